// The closest pairs of clusters among those that come, in whatever order and from whatever parts of a search.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/dendrogram.h"

namespace bcl {

struct ClosestPairs {
  std::vector<ClusterPair> pairs;  // in no order, left < right
  bool was_cut;                    // pairs that are farther than these were left out; else they are all that came
};

// The order of pairs in which a linkage merges: by distance, then by tie_of() the clusters' first points.
struct CloserPair {
  const int32_t* firsts;  // firsts[c] is the first point of the cluster called c, and ascends; null: it is called by it

  int32_t tie(const ClusterPair& pair) const {
    return firsts == nullptr ? tie_of(pair.left, pair.right) : tie_of(firsts[pair.left], firsts[pair.right]);
  }
  bool operator()(const ClusterPair& a, const ClusterPair& b) const {
    if (a.distance != b.distance) return a.distance < b.distance;
    const int32_t tie_of_a = tie(a), tie_of_b = tie(b);
    return tie_of_a != tie_of_b ? tie_of_a < tie_of_b : a.left < b.left;
  }
};

// At most 2 * max_pairs, and the distance beyond which none is wanted: `largest` at first, then what the max_pairs
// closest lie within. What comes out is a function of the set of pairs that came: all, where they are at most
// 2 * max_pairs, else the max_pairs closest, by the order of CloserPair. Any threads may use it.
class PairPool {
 public:
  PairPool(int64_t max_pairs, double largest, const int32_t* firsts = nullptr);

  double largest() const { return largest_.load(std::memory_order_relaxed); }

  // Empties `found`.
  void add(std::vector<ClusterPair>& found);
  // What a pool over a part of the search came to, of any max_pairs: of a part that was cut there may be more pairs
  // beyond its farthest, and nothing beyond it is known then.
  void add_part(ClosestPairs part);

  ClosestPairs result();
  // The result as far as it tells which clusters merge, in whatever way pairs tie: the merges along these pairs are the
  // first of the whole linkage. At least one pair, if any came.
  ClosestPairs whole_result();
  int64_t size() const { return static_cast<int64_t>(pairs_.size()); }  // while nobody adds
  bool was_cut() const { return end_.has_value(); }

 private:
  void add_locked(const std::vector<ClusterPair>& found);
  void cut();
  void end_at(const ClusterPair& pair);

  const int64_t max_pairs_;
  const CloserPair closer_;
  std::mutex mutex_;
  std::atomic<double> largest_;
  std::optional<ClusterPair> end_;  // of what is known to be whole, where something was left out
  std::vector<ClusterPair> pairs_;
};

}  // namespace bcl
