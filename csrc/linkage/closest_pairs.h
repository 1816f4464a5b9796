// The closest pairs of clusters, by the largest squared distance between their points: as many as fit.
//
// What a rung of the linkage (rungs.h) stands on. Memory: O(most) beside what the screen needs for one point of each
// cluster, whatever tau and however many pairs there are.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/cluster_distances.h"
#include "runtime/parallel.h"

namespace bcl {

struct ClusterPair {
  float distance;       // as ExactDistances::stored has it
  int32_t left, right;  // left < right
};

struct ClosestPairs {
  std::vector<ClusterPair> pairs;  // in no order
  bool all;                        // within tau; else there may be more, none of them closer than these
};

// Pairs that may not merge, whatever their distance: symmetric lists per cluster, ascending.
struct Forbidden {
  std::vector<int64_t> offsets;  // [n + 1], or empty: none
  std::vector<int32_t> clusters;
};

// Clusters may be given in any order: they are called names[c], a permutation, in the pairs that come out and where
// equal distances are told apart. Forbidden lists, as the clusters, by place.
//
// All pairs within exact.tau(); or, if they are more than 2 * most, some of the closest: at least one, at most 2 *
// most, and every pair closer than the farthest of them. Which pairs come out does not depend on the number of threads.
template <class T>
ClosestPairs closest_pairs(const ExactDistances<T>& exact, const Clusters& clusters, const std::vector<int32_t>& names,
                           const Forbidden& forbidden, int64_t most, int n_threads, int cuda_device,
                           const Watch& watch);

}  // namespace bcl
