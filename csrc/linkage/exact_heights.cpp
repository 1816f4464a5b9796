#include "linkage/exact_heights.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/first_equal.h"

namespace bcl {
namespace {

// Which distances are surely not as large as a height but for rounding, for all but one in sixteen of them: bits that
// stay in a cache near the core.
class NearHeights {
 public:
  explicit NearHeights(const std::vector<FoundMerge>& merges) {
    while ((size_t{1} << bits_) < 32 * merges.size()) ++bits_;
    words_.assign(size_t{1} << (bits_ - 6), 0);
    for (const FoundMerge& merge : merges) {
      add(step(merge.height));
      if (merge.height > 0) add(step(merge.height) - 1);
    }
  }

  bool maybe(double distance) const {
    const uint64_t hash = step(distance) * kGoldenRatio;
    return (words_[hash >> (70 - bits_)] & bit(hash)) != 0;
  }

 private:
  // Numbers of a double's size, in steps of at least kSummationRounding: 2^-33.
  static uint64_t step(double distance) {
    uint64_t bits = 0;
    std::memcpy(&bits, &distance, sizeof(distance));
    return bits >> 20;
  }

  uint64_t bit(uint64_t hash) const { return uint64_t{1} << (hash >> (64 - bits_) & 63); }

  void add(uint64_t step) {
    const uint64_t hash = step * kGoldenRatio;
    words_[hash >> (70 - bits_)] |= bit(hash);
  }

  int bits_ = 7;
  std::vector<uint64_t> words_;
};

// Which merge brings two clusters together: a forest of them in which the smaller hangs from the larger, each link with
// the merge that made it. The links on the way up are ever later, and there are log n.
class MergeThatJoins {
 public:
  explicit MergeThatJoins(const FoundMerges& found) : links_(found.labels.size()) {
    const auto n = static_cast<int32_t>(links_.size());
    std::vector<int32_t> sizes(links_.size(), 1), roots(found.merges.size());
    for (size_t t = 0; t < found.merges.size(); ++t) {
      const auto root = [&](int32_t node) { return node < n ? node : roots[node - n]; };
      int32_t large = root(found.merges[t].a), small = root(found.merges[t].b);
      if (sizes[large] < sizes[small]) std::swap(large, small);
      links_[small] = {large, static_cast<int32_t>(t)};
      sizes[large] += sizes[small];
      roots[t] = large;
    }
  }

  // -1: none
  int32_t find(int32_t a, int32_t b) const {
    int32_t merge = -1;
    while (a != b) {
      if (links_[a].merge > links_[b].merge) std::swap(a, b);
      merge = links_[a].merge;
      if (merge == kNone) return -1;
      a = links_[a].above;
    }
    return merge;
  }

 private:
  static constexpr int32_t kNone = std::numeric_limits<int32_t>::max();
  struct Link {
    int32_t above = -1, merge = kNone;
  };
  std::vector<Link> links_;  // [n]
};

}  // namespace

std::vector<HeightSource> height_sources(const FoundMerges& found, const std::vector<ClusterPair>& pairs,
                                         const Execution& execution) {
  constexpr int64_t kPairsPerTask = 1 << 16;
  const NearHeights heights(found.merges);
  const MergeThatJoins merge_that_joins(found);
  const auto n_pairs = static_cast<int64_t>(pairs.size()), n_tasks = (n_pairs + kPairsPerTask - 1) / kPairsPerTask;
  std::vector<std::vector<HeightSource>> of_task(n_tasks);
  parallel_for(n_tasks, execution, [&](int64_t task, int) {
    for (int64_t p = task * kPairsPerTask; p < std::min(n_pairs, (task + 1) * kPairsPerTask); ++p) {
      const ClusterPair& pair = pairs[p];
      if (!heights.maybe(pair.distance)) continue;
      const int32_t t = merge_that_joins.find(pair.left, pair.right);
      if (t >= 0 && pair.distance >= found.merges[t].height * (1 - kSummationRounding))
        of_task[task].push_back({t, pair.left, pair.right});
    }
  });
  std::vector<HeightSource> sources;
  for (std::vector<HeightSource>& some : of_task) {
    sources.insert(sources.end(), some.begin(), some.end());
    some = {};
  }
  return sources;
}

}  // namespace bcl
