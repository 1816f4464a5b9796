// A rung of complete linkage once its closest pairs are known: merges, and then their exact heights. Two steps, for the
// heights take the points, which may be elsewhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/dendrogram.h"
#include "linkage/exact_heights.h"
#include "runtime/execution.h"

namespace bcl {

// Merges clusters as far as the pairs of a rung (closest_pairs.h) tell, with heights as these have them; firsts[c] is
// the first point of cluster c. Its stage is "merges".
FoundMerges merge_along(const std::vector<int32_t>& firsts, const std::vector<ClusterPair>& pairs,
                        const Execution& execution);

// distances[s] = measure(s) for each source, on all threads.
template <class Measure>
void measure_exactly(int64_t n_sources, const Execution& execution, double* distances, const Measure& measure) {
  constexpr int64_t kSourcesPerTask = 64;
  parallel_for((n_sources + kSourcesPerTask - 1) / kSourcesPerTask, execution, [&](int64_t task, int) {
    for (int64_t s = task * kSourcesPerTask; s < std::min(n_sources, (task + 1) * kSourcesPerTask); ++s)
      distances[s] = measure(s);
  });
}

// Makes the heights of the merges the largest distances of their sources.
void set_heights(FoundMerges& found, const std::vector<HeightSource>& sources, const double* distances);

}  // namespace bcl
