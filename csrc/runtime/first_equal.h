// Which items equal an earlier one: a table by open addressing.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// 2^64 over the golden ratio: the high bits of its product with consecutive numbers are spread well.
constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;

// Of numbered items, those that were added and equal none before them. Memory: at most 4 n places of 4 bytes.
class FirstEqual {
 public:
  explicit FirstEqual(int64_t n_items) {
    while ((int64_t{1} << bits_) < 2 * n_items) ++bits_;  // at most half of the places are taken
    places_.assign(int64_t{1} << bits_, -1);
  }

  // The item among those added that equals this one, by equal(other); or, where there is none, the item itself, which
  // is added. Equal items have equal hashes, whose high bits should differ where items do.
  template <class Equal>
  int32_t find_or_add(int32_t item, uint64_t hash, const Equal& equal) {
    int32_t& place = places_[place_of(hash, equal)];
    if (place < 0) place = item;
    return place;
  }

  // The item among those added that equal(other) finds, -1: none.
  template <class Equal>
  int32_t find(uint64_t hash, const Equal& equal) const {
    return places_[place_of(hash, equal)];
  }

 private:
  template <class Equal>
  uint64_t place_of(uint64_t hash, const Equal& equal) const {
    const uint64_t mask = places_.size() - 1;
    uint64_t place = hash >> (64 - bits_);
    while (places_[place] >= 0 && !equal(places_[place])) place = (place + 1) & mask;
    return place;
  }

  int bits_ = 4;
  std::vector<int32_t> places_;
};

}  // namespace bcl
