// Average linkage on the pairs of a rung, in rounds of mutual nearest neighbours.
//
// The mean of two distances is at most `limit` only if one of the two is. So what lies within the limit of a union lay
// within it of one of its parts: a list becomes the union of two, and what is beyond the limit is dropped. Lists hold
// names alone, for the distance is had from the means at any time.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/cluster_means.h"
#include "linkage/clusters.h"
#include "linkage/dendrogram.h"
#include "linkage/separations.h"
#include "runtime/execution.h"

namespace bcl {

// Merges clusters of `means`, which ends with those that are left, numbered by first appearance; firsts[c] is the first
// point of cluster c. `pairs` holds every pair up to `limit` that may merge, as far as
// PairPool::whole_result() has them. Its stage is "merges".
template <class T>
FoundMerges mean_linkage(ClusterMeans<T>& means, const std::vector<int32_t>& firsts, std::vector<ClusterPair> pairs,
                         double limit, const Separations& separations, const Execution& execution);

}  // namespace bcl
