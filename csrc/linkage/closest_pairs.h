// The closest pairs of clusters, as many as fit.
//
// What a rung of the linkage (rungs.h) stands on. Memory: O(max_pairs) beside what the screen needs for one point of
// each cluster, whatever the threshold and however many pairs there are.
//
// How far apart two clusters are is said by LargestDistances or MeanDistances.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/separations.h"
#include "runtime/execution.h"

namespace bcl {

struct ClosestPairs {
  std::vector<ClusterPair> pairs;  // in no order, left < right
  bool all;                        // within the threshold; else there may be more, none of them closer than these
};

// How the clusters are given.
struct ClusterOrder {
  const std::vector<int32_t>& ranks;          // [n] cluster c is called ranks[c], a permutation
  const std::vector<int64_t>& group_offsets;  // [n groups + 1] or empty: ranges that stand close together
};

// Clusters are called by their ranks in the pairs that come out, where equal distances are told apart, and by
// `separations`, whose pairs are left out.
//
// All pairs within distances.distance_threshold(); or, if they are more than 2 * max_pairs, some of the closest: at
// least one, at most 2 * max_pairs, and every pair closer than the farthest of them. Which pairs come out does not
// depend on the number of threads. Its stage is "pairs".
template <class Distances>
ClosestPairs closest_pairs(const Distances& distances, const ClusterOrder& order, const Separations& separations,
                           int64_t max_pairs, const Execution& execution);

// Whether, by a small sample, the max_pairs closest pairs within the threshold end where a quarter of all pairs lie
// hardly farther, as where very many are equal or the points have many features: a rung then looks at most of the pairs
// and merges few.
template <class Distances>
bool are_concentrated(const Distances& distances, int64_t max_pairs, const Execution& execution);

}  // namespace bcl
