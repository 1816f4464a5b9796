// The closest pairs of clusters, as many as fit: of all of them, or of two blocks of them.
//
// What a rung of the linkage (rungs.h) stands on. Memory: O(max_pairs) beside what the screen needs for one point of
// each cluster, whatever the threshold and however many pairs there are.
//
// How far apart two clusters are is said by LargestDistances or MeanDistances.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/pair_pool.h"
#include "linkage/separations.h"
#include "runtime/execution.h"

namespace bcl {

// How the clusters are given: near ones close together, best. No result depends on it.
struct ClusterOrder {
  const std::vector<int32_t>& ranks;          // [n] cluster c is called ranks[c], each by another name
  const std::vector<int64_t>& group_offsets;  // [n groups + 1] or empty: ranges that stand close together
  const std::vector<int32_t>& numbers;        // of points by place: the few that speak for a cluster are chosen by them
  const int32_t* firsts = nullptr;            // as CloserPair (pair_pool.h) has them
};

struct RungPairs {
  std::vector<ClusterPair> pairs;  // in no order, left < right
  bool all;                        // within the threshold; else there may be more, none of them closer than these
};

// Clusters are called by their ranks (a permutation) in the pairs that come out and by `separations`, whose pairs are
// left out.
//
// All pairs within distances.distance_threshold(); or, if they are more than 2 * max_pairs, some of the closest: at
// least one, at most 2 * max_pairs, and all up to a distance, or as many of the closest, all at one distance, as
// PairPool::whole_result() says. Which pairs come out does not depend on the number of threads. Its stage is "pairs".
template <class Distances>
RungPairs closest_pairs(const Distances& distances, const ClusterOrder& order, const Separations& separations,
                        int64_t max_pairs, const Execution& execution);

// A part of it, for those who have the pairs of a rung found in parts: the closest pairs within `largest` and the
// threshold between the first n_rows clusters and the others; or, where n_rows is all, among them.
template <class Distances>
ClosestPairs closest_pairs_of_blocks(const Distances& distances, const ClusterOrder& order,
                                     const Separations& separations, int64_t n_rows, double largest, int64_t max_pairs,
                                     const Execution& execution);

// Of a rung over n clusters, those whose distances tell how far its pairs may reach: by rank. Those of the rows with
// the columns; where these are the same, those among them.
struct SampledClusters {
  explicit SampledClusters(int64_t n, int64_t most_rows = kMostRows, int64_t most_columns = kMostColumns);
  // Where max_pairs pairs are so few of all that these would not tell: as many clusters as do.
  static SampledClusters of_guess(int64_t n, int64_t max_pairs);

  static constexpr int64_t kMostRows = 64, kMostColumns = 1024;
  std::vector<int32_t> rows, columns;
};

// Guesses the distance that max_pairs pairs of n clusters, or somewhat fewer, lie within, from the distances of the
// sampled rows and columns of clusters that are given (few, at `rows` and `columns` among them); infinite where a rung
// seems to hold all within the threshold. A search within a guess was of use if it found more than fewest_of_guess().
template <class Distances>
double guess_reach(const Distances& few, const std::vector<int32_t>& rows, const std::vector<int32_t>& columns,
                   int64_t n, int64_t max_pairs, const Execution& execution);
inline int64_t fewest_of_guess(int64_t max_pairs) { return max_pairs / 8; }

// Whether, by a small sample, the max_pairs closest pairs within the threshold end where a quarter of all pairs lie
// hardly farther, as where very many are equal or the points have many features: a rung then looks at most of the pairs
// and merges few.
template <class Distances>
bool are_concentrated(const Distances& distances, const ClusterOrder& order, int64_t max_pairs,
                      const Execution& execution);

}  // namespace bcl
