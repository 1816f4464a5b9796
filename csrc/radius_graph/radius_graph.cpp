#include "radius_graph/radius_graph.h"

#include <algorithm>
#include <memory>

#include "distance/exact_distances.h"
#include "radius_graph/assemble.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {

// What one thread needs for a block of rows.
struct Scratch {
  Screen::Scratch screen;
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
BlockPairs pairs_of_block(const Screen& screen, const ExactDistances<T>& exact, int64_t first, int64_t last,
                          Scratch& scratch) {
  for (Pairs& row : scratch.rows) {
    row.neighbors.clear();
    row.distances.clear();
  }
  screen.walk(first, last, exact.tau(), scratch.screen, [&](int64_t i, const int32_t* columns, int64_t count) {
    Pairs& pairs = scratch.rows[i - first];
    scratch.distances.resize(count);
    exact.evaluate(i, columns, count, scratch.distances.data());
    size_t size = pairs.neighbors.size();
    pairs.neighbors.resize(size + count);
    pairs.distances.resize(size + count);
    for (int64_t t = 0; t < count; ++t) {
      pairs.neighbors[size] = columns[t];
      pairs.distances[size] = exact.stored(scratch.distances[t]);
      size += scratch.distances[t] <= exact.tau();
    }
    pairs.neighbors.resize(size);
    pairs.distances.resize(size);
  });
  return joined(scratch.rows);
}

}  // namespace

template <class T>
RadiusGraph radius_graph_cpu(const T* points, int64_t n, int64_t d, double tau, int n_threads, const Watch& watch,
                             int64_t directions, int cuda_device) {
  const ExactDistances<T> exact(points, n, d, tau);
  RadiusGraph graph;
  graph.scale = exact.scale();
  std::vector<BlockPairs> blocks((n + kScreenRows - 1) / kScreenRows);
  {
    const ScaledPoints scaled(points, nullptr, n, d, n_threads);
    const Screen screen(scaled, tau, tau, n_threads, directions, cuda_device);
    graph.directions = screen.directions();
    std::vector<std::unique_ptr<Scratch>> scratch(resolve_threads(n_threads, blocks.size()));
    parallel_for(
        blocks.size(), n_threads,
        [&](int64_t b, int thread) {
          if (!scratch[thread]) scratch[thread] = std::make_unique<Scratch>();
          blocks[b] =
              pairs_of_block(screen, exact, b * kScreenRows, std::min(n, (b + 1) * kScreenRows), *scratch[thread]);
        },
        upper_triangle(watch));
  }
  assemble(blocks, n, n_threads, graph);
  return graph;
}

template RadiusGraph radius_graph_cpu(const float*, int64_t, int64_t, double, int, const Watch&, int64_t, int);
template RadiusGraph radius_graph_cpu(const double*, int64_t, int64_t, double, int, const Watch&, int64_t, int);

}  // namespace bcl
