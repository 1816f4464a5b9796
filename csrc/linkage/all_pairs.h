// Distances of all pairs of clusters as a condensed vector, where they fit and most of them are wanted.
//
// Each pair of points is measured once, in tiles, in the order of summation of SciPy's pdist: what is equal there is
// equal here. Clusters may be given in any order: cluster c is called ranks[c] in the vector. Memory: 8 bytes per pair.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/cluster_means.h"
#include "linkage/clusters.h"
#include "linkage/separations.h"
#include "runtime/execution.h"
#include "runtime/uninitialized.h"

namespace bcl {

using Condensed = UninitializedVector<double>;

// The largest squared distance between points of two clusters; infinite where they are separated. Its stage is "pairs".
template <class T>
Condensed all_largest_distances(const T* points, int64_t d, const Clusters& clusters, const std::vector<int32_t>& ranks,
                                const Separations& separations, const Execution& execution);

// The sum of the squared distances between the points of two clusters of `means`; infinite where they are separated.
// Its stage is "pairs".
template <class T>
Condensed all_distance_sums(const ClusterMeans<T>& means, const Separations& separations, const Execution& execution);

}  // namespace bcl
