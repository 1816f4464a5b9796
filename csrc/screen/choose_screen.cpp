#include "screen/choose_screen.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "distance/principal_directions.h"
#include "screen/block_screen.h"
#include "screen/device_screen.h"
#include "screen/float_screen.h"
#include "screen/leading_screen.h"

namespace bcl {
namespace {

// Below, finding the directions' scale and packing twice takes longer than what it saves; or finding cells.
constexpr int64_t kFewestPoints = 2048;
constexpr double kClearlyFaster = 0.8;  // than what needs no cells to be found first
constexpr int64_t kSampleRows = 64, kSampleColumns = 1024, kDepthStep = 8;
constexpr double kLossOfBytes = 1.04;  // by about how much rounding to bytes widens the limit

// Nanoseconds per pair on one thread of an AVX2 machine (README.md); only their ratios matter.
double tile_cost(int64_t d) { return 0.2 + 0.014 * d; }
double product_cost(int64_t depth) { return 0.1 + 0.0075 * depth; }
double measuring_cost(int64_t d) { return 8 + 0.2 * d; }
double leading_cost(int64_t depth, int64_t d, double share, double whole_share) {
  return product_cost(depth) + share * 12 + whole_share * measuring_cost(d);
}
// Products of points and centres, twice; bounds of pairs of cells; pairs of points, whose survivors are sorted.
double block_cost(int64_t depth, int64_t d, double cells_per_point, double share_left, double whole_share) {
  return cells_per_point * (2.6 * product_cost(depth) + 8 * cells_per_point) + share_left * product_cost(depth) +
         whole_share * (measuring_cost(d) + 20);
}

// The share of a sample of pairs that lie within `limit` along the first 8, 16, ... directions.
std::vector<double> surviving_shares(const ScaledPoints& points, const Directions& directions, double limit,
                                     const Execution& execution) {
  const Kernels<float>& math = kernels<float>();
  const int64_t n_rows = std::min(kSampleRows, points.n()), n_columns = std::min(kSampleColumns, points.n());
  const int64_t n_steps = directions.n / kDepthStep;
  const auto project = [&](int64_t n) {
    std::vector<float> projections(n * directions.n);
    parallel_for(n, execution, [&](int64_t s, int) {
      for (int64_t p = 0; p < directions.n; ++p)
        projections[s * directions.n + p] =
            math.dot(points.row(s * points.n() / n), directions.row(p, points.d()), points.d());
    });
    return projections;
  };
  const std::vector<float> rows = project(n_rows), columns = project(n_columns);
  std::vector<std::vector<int64_t>> within(n_rows, std::vector<int64_t>(n_steps, 0));
  parallel_for(n_rows, execution, [&](int64_t r, int) {
    const int64_t i = r * points.n() / n_rows;
    for (int64_t c = 0; c < n_columns; ++c) {
      const int64_t j = c * points.n() / n_columns;
      if (i == j) continue;  // near, but no pair
      float square = points.spread(i) + points.spread(j);
      for (int64_t step = 0; step < n_steps && square <= limit; ++step) {
        const int64_t p = step * kDepthStep;
        square += math.squared_distance(&rows[r * directions.n + p], &columns[c * directions.n + p], kDepthStep);
        within[r][step] += square <= limit;
      }
    }
  });
  std::vector<double> shares(n_steps, 0.0);
  for (const std::vector<int64_t>& row : within)
    for (int64_t step = 0; step < n_steps; ++step)
      shares[step] += static_cast<double>(row[step]) / static_cast<double>(n_rows * n_columns);
  return shares;
}

struct Choice {
  int64_t depth;  // directions to ask all pairs about; 0: none, float32 tiles are faster
  double cost;
};

Choice choose_depth(int64_t d, const std::vector<double>& shares) {
  Choice best{0, tile_cost(d)};
  for (size_t step = 0; step < shares.size(); ++step) {
    const int64_t depth = static_cast<int64_t>(step + 1) * kDepthStep;
    const double cost = leading_cost(depth, d, shares[step], shares.back());
    if (cost < best.cost) best = {depth, cost};
  }
  return best;
}

// Null where the others are expected to be about as fast.
std::unique_ptr<CandidateSource> try_blocks(const ScaledPoints& points, const Directions& axes,
                                            const std::vector<int64_t>& group_offsets, const Thresholds& thresholds,
                                            double whole_share, double cost_of_others, const Execution& execution) {
  const Cells cells = Cells::of_groups(group_offsets);
  if (cells.n() == 0 || axes.n < BlockScreen::kFewestDirections) return nullptr;
  const double cells_per_point = static_cast<double>(cells.n()) / static_cast<double>(points.n());
  auto blocks = std::make_unique<BlockScreen>(points, axes, cells, thresholds.largest, execution);
  const double share_left = blocks->share_left(thresholds.typical, execution);
  const double cost = block_cost(blocks->directions(), points.d(), cells_per_point, share_left, whole_share);
  if (cost > kClearlyFaster * cost_of_others) return nullptr;
  return blocks;
}

// By a sample of pairs.
std::unique_ptr<CandidateSource> fastest_of_cpu(ScaledPoints points, const Directions& axes,
                                                const std::vector<int64_t>& group_offsets, const Thresholds& thresholds,
                                                const Execution& execution) {
  const double limit = kLossOfBytes * points.scaled(thresholds.typical);
  const std::vector<double> shares = surviving_shares(points, axes, limit, execution);
  if (shares.empty()) return std::make_unique<FloatScreen>(std::move(points), execution);
  const Choice choice = choose_depth(points.d(), shares);
  if (auto blocks = try_blocks(points, axes, group_offsets, thresholds, shares.back(), choice.cost, execution))
    return blocks;
  if (choice.depth == 0) return std::make_unique<FloatScreen>(std::move(points), execution);
  return std::make_unique<LeadingScreen>(points, axes, choice.depth, thresholds.largest, execution);
}

}  // namespace

std::unique_ptr<CandidateSource> choose_screen(ScaledPoints points, const std::vector<int64_t>& group_offsets,
                                               const Thresholds& thresholds, const Execution& execution,
                                               int64_t directions) {
  if (execution.cuda_device != kNoDevice) {
    PointTiles tiles = PointTiles::choose(points, group_offsets, thresholds.typical, execution);
    return std::make_unique<DeviceScreen>(points, std::move(tiles), execution.cuda_device);
  }
  const bool forced_blocks = directions == kBlocks && !group_offsets.empty();
  if (directions == 0 || (points.n() < kFewestPoints && !forced_blocks))
    return std::make_unique<FloatScreen>(std::move(points), execution);
  const Directions axes = principal_directions(points, kMostDirections, execution);
  if (forced_blocks && axes.n >= BlockScreen::kFewestDirections)
    return std::make_unique<BlockScreen>(points, axes, Cells::of_groups(group_offsets), thresholds.largest, execution);
  if (directions < 0) return fastest_of_cpu(std::move(points), axes, group_offsets, thresholds, execution);
  const int64_t depth = std::min(directions, axes.n / kDepthStep * kDepthStep);
  if (depth == 0) return std::make_unique<FloatScreen>(std::move(points), execution);
  return std::make_unique<LeadingScreen>(points, axes, depth, thresholds.largest, execution);
}

}  // namespace bcl
