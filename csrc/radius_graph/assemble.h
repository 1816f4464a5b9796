// Pairs as they are found, by blocks of rows, and the symmetric graph made of them.
#pragma once

#include <cstdint>
#include <vector>

#include "radius_graph/radius_graph.h"
#include "runtime/execution.h"

namespace bcl {

struct Pairs {
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<float> distances;
};

// Pairs i < j of the rows i of one block: rows in order, each row's neighbours ascending.
struct BlockPairs {
  Pairs pairs;
  std::vector<int32_t> row_counts;
};

// Fills the graph's arrays with both directions of every pair of n points. All blocks but the last have as many rows.
void assemble(const std::vector<BlockPairs>& blocks, int64_t n, const Execution& execution, RadiusGraph& graph);

// Turns a graph of places into that of the points order[place].
void renumber(const std::vector<int32_t>& order, const Execution& execution, RadiusGraph& graph);

}  // namespace bcl
