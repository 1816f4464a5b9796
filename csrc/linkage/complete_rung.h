// A rung of complete linkage once its closest pairs are known: merges, and then their exact heights. Two steps, for the
// heights take the points, which may be elsewhere.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "linkage/clusters.h"
#include "linkage/dendrogram.h"
#include "runtime/execution.h"

namespace bcl {

struct RungMerges {
  Dendrogram found;                  // by heights as the pairs have them
  std::vector<ClusterPair> sources;  // by merge: the pair whose distance its height is
};

// Merges clusters 0..n-1 as far as the pairs of a rung (closest_pairs.h) tell. Its stage is "merges".
RungMerges merge_along(int64_t n, const std::vector<ClusterPair>& pairs, const Execution& execution);

// heights[t] = measure(t) for each merge, on all threads.
template <class Measure>
void measure_exactly(int64_t n_merges, const Execution& execution, double* heights, const Measure& measure) {
  constexpr int64_t kMergesPerTask = 64;
  parallel_for((n_merges + kMergesPerTask - 1) / kMergesPerTask, execution, [&](int64_t task, int) {
    for (int64_t t = task * kMergesPerTask; t < std::min(n_merges, (task + 1) * kMergesPerTask); ++t)
      heights[t] = measure(t);
  });
}

// The merges of a rung, ordered by heights that are given for each.
Dendrogram with_heights(int64_t n, const Dendrogram& found, const double* heights);

}  // namespace bcl
