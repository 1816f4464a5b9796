// All pairs of points within a squared distance, the threshold, as a symmetric sparse graph.
//
// Exact: a pair is in the graph if and only if its float64 squared distance is at most the threshold. The screen only
// rejects what a rigorous bound allows; every pair that passes is evaluated in float64 from the coordinates. Cost O(n^2
// d / 2) at most; memory O(pairs).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/execution.h"
#include "runtime/uninitialized.h"

namespace bcl {

// Rows' neighbours are ascending; no diagonal. A squared distance is distances[e] * scale, with scale a power of two
// near the threshold (1 for ordinary ones), so that neither huge nor tiny data leave the range of float32.
struct RadiusGraph {
  std::vector<int64_t> offsets;            // [n + 1]
  UninitializedVector<int32_t> neighbors;  // [offsets[n]]
  UninitializedVector<float> distances;    // [offsets[n]]
  double scale = 1.0;
  int64_t directions = 0;  // that the screen asked all pairs about; 0: float32 tiles
};

// distance_threshold >= 0, may be infinite; points are finite. n < 2^31. directions: of the screen, -1: decided from a
// sample, -2: cells of groups (screen/choose_screen.h). group_offsets: the groups, ranges of points, where the caller
// knows them. The graph depends on neither of these nor the execution, bit for bit. Its stage is "pairs".
template <class T>
RadiusGraph radius_graph(const T* points /* [n, d] */, int64_t n, int64_t d, double distance_threshold,
                         const Execution& execution, int64_t directions = -1,
                         const std::vector<int64_t>& group_offsets = {});

}  // namespace bcl
