// Heights of average linkage from the means of the clusters, where merges were found from a vector of all pairs.
#pragma once

#include "linkage/cluster_means.h"
#include "linkage/dendrogram.h"

namespace bcl {

// The merges again, with the heights that mean_linkage has for them, to the last bit: so that it does not show how they
// were found, and a threshold that is a height is met. What is beyond the threshold goes. The
// clusters of `means` are merged; cost O(n d).
template <class T>
FoundMerges with_mean_heights(const FoundMerges& found, double distance_threshold, ClusterMeans<T>& means);

}  // namespace bcl
