#include "screen/choose_screen.h"

#include <algorithm>

#include "runtime/parallel.h"

namespace bcl {
namespace {

// Below, finding the directions' scale and packing twice takes longer than what it saves.
constexpr int64_t kFewestPoints = 2048;
constexpr int64_t kSampleRows = 64, kSampleColumns = 1024, kDepthStep = 8;
constexpr double kLossOfBytes = 1.04;  // by about how much rounding to bytes widens the limit

// Nanoseconds per pair on one thread of an AVX2 machine (bench/NOTES.md); only their ratios matter.
double tile_cost(int64_t d) { return 0.2 + 0.014 * d; }
double leading_cost(int64_t depth, int64_t d, double share, double whole_share) {
  return 0.1 + 0.0075 * depth + share * 12 + whole_share * (8 + 0.2 * d);
}

// The share of a sample of pairs that lie within `limit` along the first 8, 16, ... directions.
std::vector<double> surviving_shares(const ScaledPoints& points, const Directions& directions, double limit,
                                     int n_threads) {
  const Kernels<float>& math = kernels<float>();
  const int64_t n_rows = std::min(kSampleRows, points.n()), n_columns = std::min(kSampleColumns, points.n());
  const int64_t n_steps = directions.n / kDepthStep;
  const auto project = [&](int64_t n) {
    std::vector<float> projections(n * directions.n);
    parallel_for(n, n_threads, [&](int64_t s, int) {
      for (int64_t p = 0; p < directions.n; ++p)
        projections[s * directions.n + p] =
            math.dot(points.row(s * points.n() / n), directions.row(p, points.d()), points.d());
    });
    return projections;
  };
  const std::vector<float> rows = project(n_rows), columns = project(n_columns);
  std::vector<std::vector<int64_t>> within(n_rows, std::vector<int64_t>(n_steps, 0));
  parallel_for(n_rows, n_threads, [&](int64_t r, int) {
    for (int64_t c = 0; c < n_columns; ++c) {
      float square = 0;
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

}  // namespace

Screen::Screen(const ScaledPoints& points, double largest_tau, double typical_tau, int n_threads, int64_t directions,
               int cuda_device)
    : points_(points) {
  if (cuda_device != kNoDevice) {
    device_.emplace(points, [=](auto... arguments) { return make_cuda_pair_source(arguments..., cuda_device); });
    return;
  }
  if (directions != 0 && points.n() >= kFewestPoints) {
    const Directions axes = principal_directions(points, kMostDirections, n_threads);
    const double limit = kLossOfBytes * points.scaled(std::min(typical_tau, largest_tau));
    directions_ = directions == kDecide ? choose_depth(points.d(), surviving_shares(points, axes, limit, n_threads))
                                        : std::min(directions, axes.n / kDepthStep * kDepthStep);
    if (directions_ > 0) {
      leading_.emplace(points, axes, directions_, largest_tau, n_threads);
      return;
    }
  }
  panels_.emplace(kernels<float>(), points.n(), points.d());
  parallel_for(panels_->n_panels(), n_threads, [&](int64_t panel, int) {
    const int64_t first = panels_->first_column(panel);
    for (int64_t j = first; j < first + panels_->n_columns(panel); ++j) panels_->start(j) = points.start(j);
    panels_->pack(panel, points.row(first), points.d());
  });
}

void Screen::walk(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const {
  if (device_) return device_->walk(first, last, tau, found);
  // Only pairs i < j: the first block of columns holds some j <= i.
  const Found found_above = [&](int64_t i, const int32_t* columns, int64_t count) {
    const int32_t* const end = columns + count;
    const int32_t* const begin = columns[0] > i ? columns : std::upper_bound(columns, end, static_cast<int32_t>(i));
    if (begin < end) found(i, begin, end - begin);
  };
  if (leading_) return walk_leading(first, last, tau, scratch, found_above);
  for (int64_t i = first; i < last; i += kBlockRows)
    walk_float_tiles(i, std::min(last, i + kBlockRows), tau, scratch, found_above);
}

void Screen::walk_float_tiles(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const {
  for (int64_t i = first; i < last; ++i) scratch.limits[i - first] = points_.limit(i, tau);
  walk_tiles(kernels<float>(), points_.row(first), points_.d(), last - first, *panels_, first / panels_->width(),
             scratch.scores.data(), [&](const float* scores, int64_t first_column, int64_t n_columns) {
               for (int64_t i = first; i < last; ++i) {
                 const int64_t count = kernels<float>().select_at_least(
                     scores + (i - first) * kBlockColumns, n_columns, scratch.limits[i - first],
                     static_cast<int32_t>(first_column), scratch.columns.data());
                 if (count > 0) found(i, scratch.columns.data(), count);
               }
             });
}

void Screen::walk_leading(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const {
  leading_->begin(first, last, tau, scratch.leading);
  for (int64_t panel = first / kScreenColumns; panel < leading_->n_panels(); panel += kScreenPanels) {
    leading_->select(first, last, tau, panel, scratch.leading);
    const int32_t* columns = scratch.leading.columns.data();
    for (int64_t i = first; i < last; ++i) {
      const int64_t count = scratch.leading.counts[i - first];
      if (count > 0) found(i, columns, count);
      columns += count;
    }
  }
}

}  // namespace bcl
