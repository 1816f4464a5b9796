// The closest pairs of clusters, by the largest squared distance between their points: as many as fit.
//
// What a rung of the linkage (complete_linkage.h) stands on. Memory: O(max_pairs) beside what the screen needs for one
// point of each cluster, whatever the threshold and however many pairs there are.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/cluster_distances.h"
#include "runtime/execution.h"

namespace bcl {

struct ClusterPair {
  float distance;       // as ExactDistances::stored has it
  int32_t left, right;  // left < right
};

struct ClosestPairs {
  std::vector<ClusterPair> pairs;  // in no order
  bool all;                        // within the threshold; else there may be more, none of them closer than these
};

// Pairs of clusters that may not merge, whatever their distance: symmetric lists, ascending.
struct CannotLinkLists {
  std::vector<int64_t> offsets;  // [n + 1], or empty: none
  std::vector<int32_t> clusters;
};

// Clusters may be given in any order: cluster c is called ranks[c], a permutation, in the pairs that come out and where
// equal distances are told apart. cannot_link speaks, as `clusters` does, of places, not ranks.
//
// All pairs within exact.distance_threshold(); or, if they are more than 2 * max_pairs, some of the closest: at least
// one, at most 2 * max_pairs, and every pair closer than the farthest of them. Which pairs come out does not depend on
// the number of threads. Its stage is "pairs".
template <class T>
ClosestPairs closest_pairs(const ExactDistances<T>& exact, const Clusters& clusters, const std::vector<int32_t>& ranks,
                           const CannotLinkLists& cannot_link, int64_t max_pairs, const Execution& execution);

}  // namespace bcl
