// The heights of complete linkage with the bits of SciPy's.
//
// Millions of pairs are measured in the order of summation that is fastest; a few units in the last place decide
// nothing among them. The heights, which people compare with others', are another matter: every one is the distance of
// some pair that the rung stood on, is found among these by its bits, and measured anew.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/dendrogram.h"
#include "runtime/execution.h"
#include "runtime/first_equal.h"

namespace bcl {

// Which hashes were not added, for all but one in sixteen of them: bits that stay in the first-level cache.
class MaybeSeen {
 public:
  explicit MaybeSeen(int64_t n) {
    while ((int64_t{1} << bits_) < 16 * n) ++bits_;
    words_.assign(int64_t{1} << (bits_ - 6), 0);
  }

  void add(uint64_t hash) { words_[hash >> (70 - bits_)] |= bit(hash); }
  bool maybe(uint64_t hash) const { return (words_[hash >> (70 - bits_)] & bit(hash)) != 0; }

 private:
  uint64_t bit(uint64_t hash) const { return uint64_t{1} << (hash >> (64 - bits_) & 63); }

  int bits_ = 7;
  std::vector<uint64_t> words_;
};

// The heights of merges, and which of the merges have one.
class HeightTable {
 public:
  explicit HeightTable(const std::vector<Merge>& merges)
      : merges_(merges), seen_(static_cast<int64_t>(merges.size())), first_(static_cast<int64_t>(merges.size())) {
    for (size_t t = 0; t < merges.size(); ++t) {
      const double height = merges[t].height;
      seen_.add(hash(height));
      first_.find_or_add(static_cast<int32_t>(t), hash(height), [&](int32_t s) { return merges[s].height == height; });
    }
  }

  // The first merge at a height; -1: none.
  int32_t find(double height) const {
    if (!seen_.maybe(hash(height))) return -1;
    return first_.find(hash(height), [&](int32_t t) { return merges_[t].height == height; });
  }

 private:
  static uint64_t hash(double height) {
    uint64_t bits = 0;
    std::memcpy(&bits, &height, sizeof(height));
    return (bits ^ bits >> 32) * kGoldenRatio;
  }

  const std::vector<Merge>& merges_;
  MaybeSeen seen_;
  FirstEqual first_;
};

// For each merge a pair that has its height: of several the first by name, so that their order does not show.
inline std::vector<ClusterPair> pairs_of_heights(const std::vector<Merge>& merges,
                                                 const std::vector<ClusterPair>& pairs, const Execution& execution) {
  constexpr int64_t kPairsPerTask = 1 << 16;
  const HeightTable heights(merges);
  const auto n_pairs = static_cast<int64_t>(pairs.size()), n_tasks = (n_pairs + kPairsPerTask - 1) / kPairsPerTask;
  std::vector<std::vector<std::pair<int32_t, int64_t>>> of_task(n_tasks);  // merges and places in `pairs`
  parallel_for(n_tasks, execution, [&](int64_t task, int) {
    for (int64_t p = task * kPairsPerTask; p < std::min(n_pairs, (task + 1) * kPairsPerTask); ++p)
      if (const int32_t t = heights.find(pairs[p].distance); t >= 0) of_task[task].emplace_back(t, p);
  });
  std::vector<ClusterPair> found(merges.size(), ClusterPair{0, -1, -1});
  for (const auto& some : of_task)
    for (const auto& [t, p] : some) {
      const bool is_first =
          found[t].left < 0 || std::tie(pairs[p].left, pairs[p].right) < std::tie(found[t].left, found[t].right);
      if (is_first) found[t] = pairs[p];
    }
  for (size_t t = 1; t < merges.size(); ++t)
    if (found[t].left < 0) found[t] = found[t - 1];  // merges at one height stand together
  return found;
}

}  // namespace bcl
