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

// Places in `merges`, by height, of pairs that have it: of several the first by name, so that their order does not
// show.
inline std::vector<ClusterPair> pairs_of_heights(const std::vector<Merge>& merges,
                                                 const std::vector<ClusterPair>& pairs) {
  const auto hash = [](double height) {
    uint64_t bits = 0;
    std::memcpy(&bits, &height, sizeof(height));
    return (bits ^ bits >> 32) * kGoldenRatio;
  };
  const auto is_at = [&](double height) { return [&merges, height](int32_t t) { return merges[t].height == height; }; };
  FirstEqual heights(static_cast<int64_t>(merges.size()));
  MaybeSeen seen(static_cast<int64_t>(merges.size()));
  for (size_t t = 0; t < merges.size(); ++t) {
    seen.add(hash(merges[t].height));
    heights.find_or_add(static_cast<int32_t>(t), hash(merges[t].height), is_at(merges[t].height));
  }
  std::vector<ClusterPair> found(merges.size(), ClusterPair{0, -1, -1});
  for (const ClusterPair& pair : pairs) {
    if (!seen.maybe(hash(pair.distance))) continue;
    const int32_t t = heights.find(hash(pair.distance), is_at(pair.distance));
    if (t < 0) continue;
    const bool is_first =
        found[t].left < 0 || std::tie(pair.left, pair.right) < std::tie(found[t].left, found[t].right);
    if (is_first) found[t] = pair;
  }
  for (size_t t = 1; t < merges.size(); ++t)
    if (found[t].left < 0) found[t] = found[t - 1];  // merges at one height stand together
  return found;
}

}  // namespace bcl
