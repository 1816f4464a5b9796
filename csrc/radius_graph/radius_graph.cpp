#include "radius_graph/radius_graph.h"

#include <algorithm>
#include <memory>

#include "arrangement/arranged_points.h"
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
  std::vector<Pairs> rows;
};

BlockPairs joined(const std::vector<Pairs>& rows) {
  BlockPairs block;
  size_t total = 0;
  for (const Pairs& row : rows) total += row.neighbors.size();
  block.pairs.neighbors.reserve(total);
  block.pairs.distances.reserve(total);
  for (size_t r = 0; r < rows.size(); ++r) {
    block.row_counts.push_back(static_cast<int32_t>(rows[r].neighbors.size()));
    block.pairs.neighbors.insert(block.pairs.neighbors.end(), rows[r].neighbors.begin(), rows[r].neighbors.end());
    block.pairs.distances.insert(block.pairs.distances.end(), rows[r].distances.begin(), rows[r].distances.end());
  }
  return block;
}

template <class T>
BlockPairs pairs_of_block(CandidateSource& screen, const ExactDistances<T>& exact, int64_t first, int64_t last,
                          int thread, Scratch& scratch) {
  scratch.rows.resize(last - first);
  for (Pairs& row : scratch.rows) {
    row.neighbors.clear();
    row.distances.clear();
  }
  screen.walk({first, last}, exact.distance_threshold(), thread, [&](int64_t i, const int32_t* columns, int64_t count) {
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

// Of points that may stand in groups (screen/choose_screen.h).
template <class T>
RadiusGraph graph_of(const T* points, int64_t n, int64_t d, const std::vector<int64_t>& group_offsets,
                     double distance_threshold, const Execution& execution, int64_t directions, const Watch& watch) {
  const ExactDistances<T> exact(points, n, d, distance_threshold);
  RadiusGraph graph;
  graph.scale = exact.scale();
  std::vector<BlockPairs> blocks;
  {
    const std::unique_ptr<CandidateSource> screen =
        choose_screen(ScaledPoints(points, nullptr, n, d, execution), group_offsets,
                      {distance_threshold, distance_threshold}, execution, directions);
    graph.directions = screen->directions();
    const int64_t rows = screen->rows_per_walk();
    blocks.resize((n + rows - 1) / rows);
    ThreadScratch<Scratch> scratch(execution, blocks.size());
    parallel_for(
        blocks.size(), execution,
        [&](int64_t b, int thread) {
          const int64_t first = b * rows, last = std::min(n, first + rows);
          blocks[b] = pairs_of_block(*screen, exact, first, last, thread, scratch[thread]);
        },
        upper_triangle(watch));
  }
  assemble(blocks, n, execution, graph);
  return graph;
}

bool may_have_groups(int64_t n, int64_t directions, const Execution& execution) {
  return execution.cuda_device == kNoDevice &&
         (directions == kBlocks || (directions == kDecide && n >= kFewestGrouped));
}

}  // namespace

template <class T>
RadiusGraph radius_graph(const T* points, int64_t n, int64_t d, double distance_threshold, const Execution& execution,
                         int64_t directions, const std::vector<int64_t>& group_offsets) {
  const Watch watch = execution.stage("pairs", n);
  if (!group_offsets.empty())
    return graph_of(points, n, d, group_offsets, distance_threshold, execution, directions, watch);
  PointGroups groups{{}, {0}};
  if (may_have_groups(n, directions, execution))
    groups = arrange_by_groups(points, n, d, distance_threshold, execution);
  if (groups.n() == 0) return graph_of(points, n, d, {}, distance_threshold, execution, directions, watch);
  const ArrangedPoints<T> arranged(points, n, d, groups, execution);
  RadiusGraph graph = graph_of(arranged.points(), n, d, {groups.offsets.begin(), groups.offsets.end()},
                               distance_threshold, execution, directions, watch);
  renumber(groups.order, execution, graph);
  return graph;
}

template RadiusGraph radius_graph(const float*, int64_t, int64_t, double, const Execution&, int64_t,
                                  const std::vector<int64_t>&);
template RadiusGraph radius_graph(const double*, int64_t, int64_t, double, const Execution&, int64_t,
                                  const std::vector<int64_t>&);

}  // namespace bcl
