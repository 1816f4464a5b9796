#include "radius_graph/radius_graph.h"

#include <algorithm>
#include <memory>

#include "distance/exact_distances.h"
#include "distance/scaled_points.h"
#include "radius_graph/assemble.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {

// What one thread needs for a block of rows.
struct Scratch {
  std::vector<double> distances;
  // Pairs are found block of columns by block of columns: each row's are gathered on their own.
  std::vector<Pairs> rows = std::vector<Pairs>(kScreenRows);
};

BlockPairs joined(const std::vector<Pairs>& rows) {
  BlockPairs block;
  size_t total = 0;
  for (const Pairs& row : rows) total += row.neighbors.size();
  block.pairs.neighbors.reserve(total);
  block.pairs.distances.reserve(total);
  for (size_t r = 0; r < rows.size(); ++r) {
    block.row_counts[r] = static_cast<int32_t>(rows[r].neighbors.size());
    block.pairs.neighbors.insert(block.pairs.neighbors.end(), rows[r].neighbors.begin(), rows[r].neighbors.end());
    block.pairs.distances.insert(block.pairs.distances.end(), rows[r].distances.begin(), rows[r].distances.end());
  }
  return block;
}

template <class T>
BlockPairs pairs_of_block(CandidateSource& screen, const ExactDistances<T>& exact, int64_t first, int64_t last,
                          int thread, Scratch& scratch) {
  for (Pairs& row : scratch.rows) {
    row.neighbors.clear();
    row.distances.clear();
  }
  screen.walk(first, last, exact.distance_threshold(), thread, [&](int64_t i, const int32_t* columns, int64_t count) {
    Pairs& pairs = scratch.rows[i - first];
    scratch.distances.resize(count);
    exact.evaluate(i, columns, count, scratch.distances.data());
    size_t size = pairs.neighbors.size();
    pairs.neighbors.resize(size + count);
    pairs.distances.resize(size + count);
    for (int64_t t = 0; t < count; ++t) {
      pairs.neighbors[size] = columns[t];
      pairs.distances[size] = exact.stored(scratch.distances[t]);
      size += scratch.distances[t] <= exact.distance_threshold();
    }
    pairs.neighbors.resize(size);
    pairs.distances.resize(size);
  });
  return joined(scratch.rows);
}

}  // namespace

template <class T>
RadiusGraph radius_graph(const T* points, int64_t n, int64_t d, double distance_threshold, const Execution& execution,
                         int64_t directions) {
  const Watch watch = execution.stage("pairs", n);
  const ExactDistances<T> exact(points, n, d, distance_threshold);
  RadiusGraph graph;
  graph.scale = exact.scale();
  std::vector<BlockPairs> blocks((n + kScreenRows - 1) / kScreenRows);
  {
    const ScaledPoints scaled(points, nullptr, n, d, execution);
    const std::unique_ptr<CandidateSource> screen =
        choose_screen(scaled, distance_threshold, distance_threshold, execution, directions);
    graph.directions = screen->directions();
    ThreadScratch<Scratch> scratch(execution, blocks.size());
    parallel_for(
        blocks.size(), execution,
        [&](int64_t b, int thread) {
          const int64_t first = b * kScreenRows, last = std::min(n, first + kScreenRows);
          blocks[b] = pairs_of_block(*screen, exact, first, last, thread, scratch[thread]);
        },
        upper_triangle(watch));
  }
  assemble(blocks, n, execution, graph);
  return graph;
}

template RadiusGraph radius_graph(const float*, int64_t, int64_t, double, const Execution&, int64_t);
template RadiusGraph radius_graph(const double*, int64_t, int64_t, double, const Execution&, int64_t);

}  // namespace bcl
