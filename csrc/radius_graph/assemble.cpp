#include "radius_graph/assemble.h"

#include <algorithm>
#include <utility>

#include "runtime/execution.h"

namespace bcl {
namespace {

// The part of block b's row r whose neighbours lie in [first, last), as positions in the block's arrays.
struct Span {
  int64_t begin, end;
};

// Calls found(row, block, span) for every row of every block, in order, with its pairs (row, j), first <= j < last.
template <class Found>
void for_each_row(const std::vector<BlockPairs>& blocks, int64_t first, int64_t last, Found&& found) {
  int64_t row = 0;
  for (const BlockPairs& block : blocks) {
    const int32_t* neighbors = block.pairs.neighbors.data();
    for (const int32_t count : block.row_counts) {
      const int32_t* const end = neighbors + count;
      const auto position = [&](int64_t bound) {
        return std::lower_bound(neighbors, end, static_cast<int32_t>(bound)) - block.pairs.neighbors.data();
      };
      found(row++, block, Span{position(first), position(last)});
      neighbors = end;
    }
  }
}

// Each row's own pairs go to the end of its row.
void place_own_pairs(const std::vector<BlockPairs>& blocks, const Execution& execution, RadiusGraph& graph) {
  parallel_for(blocks.size(), execution, [&](int64_t b, int) {
    int64_t e = 0, i = b * static_cast<int64_t>(blocks[0].row_counts.size());
    for (const int32_t count : blocks[b].row_counts) {
      const int64_t place = graph.offsets[++i] - count;
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
    for_each_row(blocks, first, last, [&](int64_t, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) ++n_smaller[block.pairs.neighbors[e]];
    });
  });
  auto larger = n_larger.begin();
  for (const BlockPairs& block : blocks) larger = std::copy(block.row_counts.begin(), block.row_counts.end(), larger);
  graph.offsets.assign(n + 1, 0);
  for (int64_t i = 0; i < n; ++i) graph.offsets[i + 1] = graph.offsets[i] + n_smaller[i] + n_larger[i];
  graph.neighbors.resize(graph.offsets[n]);
  graph.distances.resize(graph.offsets[n]);
  for_each_range([&](int64_t first, int64_t last) {
    std::vector<int64_t> next(graph.offsets.begin() + first, graph.offsets.begin() + last);
    for_each_row(blocks, first, last, [&](int64_t i, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) {
        const int64_t place = next[block.pairs.neighbors[e] - first]++;
        graph.neighbors[place] = static_cast<int32_t>(i);
        graph.distances[place] = block.pairs.distances[e];
      }
    });
  });
  place_own_pairs(blocks, execution, graph);
}

// A task owns a range of points. Points come in order and leave their numbers with their neighbours: no sort.
void renumber(const std::vector<int32_t>& order, const Execution& execution, RadiusGraph& graph) {
  const auto n = static_cast<int64_t>(order.size());
  std::vector<int32_t> places(n);
  for (int64_t place = 0; place < n; ++place) places[order[place]] = static_cast<int32_t>(place);
  RadiusGraph renumbered;
  renumbered.offsets.assign(n + 1, 0);
  for (int64_t i = 0; i < n; ++i)
    renumbered.offsets[i + 1] = renumbered.offsets[i] + graph.offsets[places[i] + 1] - graph.offsets[places[i]];
  renumbered.neighbors.resize(graph.neighbors.size());
  renumbered.distances.resize(graph.distances.size());
  const int64_t n_tasks = resolve_threads(execution, n);
  parallel_for(n_tasks, execution, [&](int64_t t, int) {
    const int64_t first = t * n / n_tasks, last = (t + 1) * n / n_tasks;
    std::vector<int64_t> next(renumbered.offsets.begin() + first, renumbered.offsets.begin() + last);
    for (int64_t i = 0; i < n; ++i)
      for (int64_t e = graph.offsets[places[i]]; e < graph.offsets[places[i] + 1]; ++e) {
        const int64_t neighbor = order[graph.neighbors[e]];
        if (neighbor < first || neighbor >= last) continue;
        const int64_t place = next[neighbor - first]++;
        renumbered.neighbors[place] = static_cast<int32_t>(i);
        renumbered.distances[place] = graph.distances[e];
      }
  });
  graph.offsets = std::move(renumbered.offsets);
  graph.neighbors = std::move(renumbered.neighbors);
  graph.distances = std::move(renumbered.distances);
}

}  // namespace bcl
