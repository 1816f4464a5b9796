// Pairs as they are found, by blocks of rows, and the symmetric graph made of them.
#pragma once

#include <cstdint>
#include <vector>

#include "radius_graph/radius_graph.h"
#include "runtime/execution.h"
#include "screen/candidate_source.h"

namespace bcl {

struct Pairs {
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<float> distances;
};

// Pairs i < j of the rows i of one block (kScreenRows of them): rows in order, each row's neighbours ascending.
struct BlockPairs {
  Pairs pairs;
  int32_t row_counts[kScreenRows] = {};
};

// Fills the graph's arrays with both directions of every pair of n points.
void assemble(const std::vector<BlockPairs>& blocks, int64_t n, const Execution& execution, RadiusGraph& graph);

}  // namespace bcl
