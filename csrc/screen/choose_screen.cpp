#include "screen/choose_screen.h"

#include <algorithm>
#include <vector>

#include "distance/principal_directions.h"
#include "screen/device_screen.h"
#include "screen/float_screen.h"
#include "screen/leading_screen.h"

namespace bcl {
namespace {

// Below, finding the directions' scale and packing twice takes longer than what it saves.
constexpr int64_t kFewestPoints = 2048;
constexpr int64_t kSampleRows = 64, kSampleColumns = 1024, kDepthStep = 8;
constexpr double kLossOfBytes = 1.04;  // by about how much rounding to bytes widens the limit

// Nanoseconds per pair on one thread of an AVX2 machine (README.md); only their ratios matter.
double tile_cost(int64_t d) { return 0.2 + 0.014 * d; }
double leading_cost(int64_t depth, int64_t d, double share, double whole_share) {
  return 0.1 + 0.0075 * depth + share * 12 + whole_share * (8 + 0.2 * d);
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
    for (int64_t c = 0; c < n_columns; ++c) {
      float square = points.spread(r * points.n() / n_rows) + points.spread(c * points.n() / n_columns);
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

// How many directions to ask all pairs about; 0: none, float32 tiles are faster.
int64_t choose_depth(int64_t d, const std::vector<double>& shares) {
  double best_cost = tile_cost(d);
  int64_t best = 0;
  for (size_t step = 0; step < shares.size(); ++step) {
    const int64_t depth = static_cast<int64_t>(step + 1) * kDepthStep;
    const double cost = leading_cost(depth, d, shares[step], shares.back());
    if (cost < best_cost) {
      best_cost = cost;
      best = depth;
    }
  }
  return best;
}

// kDecide: by a sample of pairs.
int64_t resolve_directions(int64_t directions, const ScaledPoints& points, const Directions& axes, double threshold,
                           const Execution& execution) {
  if (directions != kDecide) return std::min(directions, axes.n / kDepthStep * kDepthStep);
  const double limit = kLossOfBytes * points.scaled(threshold);
  return choose_depth(points.d(), surviving_shares(points, axes, limit, execution));
}

}  // namespace

std::unique_ptr<CandidateSource> choose_screen(const ScaledPoints& points, double largest_threshold,
                                               double typical_threshold, const Execution& execution,
                                               int64_t directions) {
  if (execution.cuda_device != kNoDevice) return std::make_unique<DeviceScreen>(points, execution.cuda_device);
  if (directions != 0 && points.n() >= kFewestPoints) {
    const Directions axes = principal_directions(points, kMostDirections, execution);
    const double threshold = std::min(typical_threshold, largest_threshold);
    const int64_t depth = resolve_directions(directions, points, axes, threshold, execution);
    if (depth > 0) return std::make_unique<LeadingScreen>(points, axes, depth, largest_threshold, execution);
  }
  return std::make_unique<FloatScreen>(points, execution);
}

}  // namespace bcl
