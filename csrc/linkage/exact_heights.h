// The heights of complete linkage with the bits of SciPy's.
//
// Millions of pairs are measured in the order of summation that is fastest; a few units in the last place decide
// little among them. The heights, which people compare with others', are another matter. A merge's is the largest of
// the distances that SciPy's order has for the points of its parts, so it is the largest of those pairs of a rung that
// the merge brings together and that are as far as the farthest but for rounding: mostly one. These are its *sources*,
// and they alone are measured anew. Which rung a merge was found in does not show.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/dendrogram.h"
#include "runtime/execution.h"

namespace bcl {

// Relative: more than any order of summation makes of up to 10^5 features.
constexpr double kSummationRounding = 1e-10;

struct HeightSource {
  int32_t merge, left, right;  // of the merges found; the pair of clusters, left < right
};

// Of the clusters of `found`, along these pairs; in no order.
std::vector<HeightSource> height_sources(const FoundMerges& found, const std::vector<ClusterPair>& pairs,
                                         const Execution& execution);

}  // namespace bcl
