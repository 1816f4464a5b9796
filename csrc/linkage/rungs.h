// Linkage of points, rung by rung, in memory that does not grow with the number of pairs.
//
// The merges up to tau_1 < tau are the first merges up to tau. So take the closest pairs of clusters, as many as fit;
// merge on that graph as far as it is complete; then look for the closest pairs of the clusters that came out, and so
// on until tau: a rung is the same problem again with fewer, larger points. Nothing is approximated, and a rung's pairs
// are far fewer than the pairs of points that they stand for. Identical points are merged before the first rung. See
// README.md.
#pragma once

#include <cstdint>
#include <vector>

#include "arrangement/arranged_points.h"
#include "linkage/closest_pairs.h"
#include "linkage/condense.h"
#include "linkage/dendrogram_builder.h"
#include "linkage/linkage_options.h"
#include "linkage/progress.h"
#include "linkage/separations.h"
#include "runtime/execution.h"

namespace bcl {

// Where each number stands in a permutation.
std::vector<int32_t> inverse(const std::vector<int32_t>& permutation);

// Points that a constraint speaks of: they merge as it says, not with what equals them.
std::vector<bool> constrained_points(int64_t n, const LinkageOptions& options);

// Clusters that hold the points as they are: those that a constraint or equality merges from the start.
template <class T>
DendrogramBuilder first_clusters(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                                 const Execution& execution);

// The points as a linkage looks at them.
template <class T>
ArrangedPoints<T> arranged_points(const T* points, int64_t n, int64_t d, int64_t n_clusters,
                                  const LinkageOptions& options, const Execution& execution) {
  const bool may_have_groups = n_clusters >= options.fewest_grouped;
  if (!options.may_copy || (n_clusters < kFewestArranged && !may_have_groups))
    return {points, n, d, {{}, {0}}, execution};
  return {points, n, d, arrange(points, n, d, options.distance_threshold, may_have_groups, execution), execution};
}

// The distinct points' places, the clusters' numbers in the order of their first places, the number of each place's
// cluster in that order, where in that order the groups of the points begin, and the first point of each cluster.
struct RungOrder {
  RungOrder(const DendrogramBuilder& builder, const PointGroups& groups);

  std::vector<int32_t> places;
  std::vector<int64_t> labels;  // by place
  std::vector<int32_t> ranks;
  std::vector<int64_t> group_offsets;
  std::vector<int32_t> firsts;  // by number
};

// Whether a rung would better be the last, of all pairs at once. They must fit; where distances are concentrated it
// takes a third of the time that rungs do, and no more than O(n^2) whatever ties (README.md).
template <class Distances>
bool measures_all_pairs(const Distances& distances, const ClusterOrder& order, const LinkageOptions& options,
                        const Execution& execution) {
  return CondensedRows::size(distances.n_points()) <= options.max_dense_pairs &&
         are_concentrated(distances, order, options.max_pairs, execution);
}

// Method says what a linkage is: distances(rung order) for closest_pairs; merge(closest, rung order, separations,
// execution), the merges as far as those pairs tell; and merge_all_pairs(rung order, separations, execution of the
// search, and of the merges), all merges that there are.
template <class Method>
Dendrogram climb(DendrogramBuilder builder, const PointGroups& groups, Method method, const LinkageOptions& options,
                 const Execution& execution) {
  LinkageProgress progress(execution);
  for (bool all = false; !all && builder.n_clusters() > 1;) {
    const int64_t n_clusters = builder.n_clusters();
    const RungOrder rung(builder, groups);
    const Separations separations(builder.labels(), n_clusters, options.cannot_link, options.n_cannot_link,
                                  options.n_apart);
    const Execution searching = progress.part_of_rung(n_clusters, 0, LinkageProgress::kPairsPart);
    const Execution merging = progress.part_of_rung(n_clusters, LinkageProgress::kPairsPart, 1);
    const auto& distances = method.distances(rung);
    const ClusterOrder order{rung.ranks, rung.group_offsets, groups.order, rung.firsts.data()};
    if (measures_all_pairs(distances, order, options, execution)) {
      builder.add_rung(method.merge_all_pairs(rung, separations, searching, merging));
      break;
    }
    RungPairs closest = closest_pairs(distances, order, separations, options.max_pairs, searching);
    all = closest.all;
    builder.add_rung(method.merge(std::move(closest), rung, separations, merging));
    progress.end_rung(n_clusters);
  }
  return std::move(builder).result();
}

}  // namespace bcl
