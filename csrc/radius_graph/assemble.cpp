#include "radius_graph/assemble.h"

#include <algorithm>

#include "runtime/execution.h"

namespace bcl {
namespace {

// The part of block b's row r whose neighbours lie in [first, last), as positions in the block's arrays.
struct Span {
  int64_t begin, end;
};

// Calls found(row, block, span) for every row of every block, in order, with its pairs (row, j), first <= j < last.
template <class Found>
void for_each_row(const std::vector<BlockPairs>& blocks, int64_t n, int64_t first, int64_t last, Found&& found) {
  for (size_t b = 0; b < blocks.size(); ++b) {
    const BlockPairs& block = blocks[b];
    const int64_t row = static_cast<int64_t>(b) * kScreenRows;
    const int32_t* neighbors = block.pairs.neighbors.data();
    for (int64_t r = 0; r < std::min(kScreenRows, n - row); ++r) {
      const int32_t* const end = neighbors + block.row_counts[r];
      const auto position = [&](int64_t bound) {
        return std::lower_bound(neighbors, end, static_cast<int32_t>(bound)) - block.pairs.neighbors.data();
      };
      found(row + r, block, Span{position(first), position(last)});
      neighbors = end;
    }
  }
}

// Each row's own pairs go to the end of its row.
void place_own_pairs(const std::vector<BlockPairs>& blocks, int64_t n, const Execution& execution, RadiusGraph& graph) {
  parallel_for(blocks.size(), execution, [&](int64_t b, int) {
    int64_t e = 0;
    for (int64_t i = b * kScreenRows; i < std::min(n, (b + 1) * kScreenRows); ++i) {
      const int64_t count = blocks[b].row_counts[i - b * kScreenRows], place = graph.offsets[i + 1] - count;
      std::copy_n(blocks[b].pairs.neighbors.data() + e, count, graph.neighbors.data() + place);
      std::copy_n(blocks[b].pairs.distances.data() + e, count, graph.distances.data() + place);
      e += count;
    }
  });
}

}  // namespace

// A task owns a range of rows of the graph. Rows come in order, so a row first receives
// its smaller neighbours, ascending; its own pairs stand behind them: no sort.
void assemble(const std::vector<BlockPairs>& blocks, int64_t n, const Execution& execution, RadiusGraph& graph) {
  const int64_t n_tasks = 4 * resolve_threads(execution, n);
  const auto for_each_range = [&](auto&& task) {
    parallel_for(n_tasks, execution, [&](int64_t t, int) { task(t * n / n_tasks, (t + 1) * n / n_tasks); });
  };
  std::vector<int64_t> n_smaller(n, 0), n_larger(n, 0);
  for_each_range([&](int64_t first, int64_t last) {
    for_each_row(blocks, n, first, last, [&](int64_t, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) ++n_smaller[block.pairs.neighbors[e]];
    });
  });
  for (int64_t i = 0; i < n; ++i) n_larger[i] = blocks[i / kScreenRows].row_counts[i % kScreenRows];
  graph.offsets.assign(n + 1, 0);
  for (int64_t i = 0; i < n; ++i) graph.offsets[i + 1] = graph.offsets[i] + n_smaller[i] + n_larger[i];
  graph.neighbors.resize(graph.offsets[n]);
  graph.distances.resize(graph.offsets[n]);
  for_each_range([&](int64_t first, int64_t last) {
    std::vector<int64_t> next(graph.offsets.begin() + first, graph.offsets.begin() + last);
    for_each_row(blocks, n, first, last, [&](int64_t i, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) {
        const int64_t place = next[block.pairs.neighbors[e] - first]++;
        graph.neighbors[place] = static_cast<int32_t>(i);
        graph.distances[place] = block.pairs.distances[e];
      }
    });
  });
  place_own_pairs(blocks, n, execution, graph);
}

}  // namespace bcl
