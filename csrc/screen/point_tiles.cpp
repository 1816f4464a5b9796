#include "screen/point_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "runtime/parallel.h"

namespace bcl {
namespace {

constexpr int64_t kSampledTiles = 64;
constexpr double kClearlyFewer = 0.8;  // products than all tiles have

std::vector<int32_t> cut_into_tiles(const std::vector<int64_t>& group_offsets) {
  std::vector<int32_t> offsets = {0};
  for (size_t g = 0; g + 1 < group_offsets.size(); ++g)
    while (offsets.back() < group_offsets[g + 1])
      offsets.push_back(static_cast<int32_t>(std::min(group_offsets[g + 1], offsets.back() + kTilePoints)));
  return offsets;
}

float dot(const float* x, const float* y, int64_t d) { return std::inner_product(x, x + d, y, 0.0f); }

}  // namespace

double tf32_slack(int64_t d) {
  return 1.01 * std::ldexp(1.0, -10) + (10 * static_cast<double>(d) + 100) * std::ldexp(1.0, -23);
}

PointTiles::PointTiles(int64_t n_points) : offsets(cut_into_tiles({0, n_points})) {}

PointTiles::PointTiles(const ScaledPoints& points, const std::vector<int64_t>& group_offsets,
                       const Execution& execution)
    : offsets(cut_into_tiles(group_offsets)) {
  const int64_t d = points.d();
  centers.resize(n() * d);
  center_products.resize(points.n());
  errors.resize(n());
  spreads.resize(n());
  const double slack = tf32_slack(d);
  parallel_for(n(), execution, [&](int64_t t, int) {
    std::vector<double> sums(d, 0.0);
    for (int64_t i = offsets[t]; i < offsets[t + 1]; ++i)
      for (int64_t p = 0; p < d; ++p) sums[p] += points.row(i)[p];
    float* const center = &centers[t * d];
    for (int64_t p = 0; p < d; ++p) center[p] = static_cast<float>(sums[p] / (offsets[t + 1] - offsets[t]));
    double largest = std::inner_product(center, center + d, center, 0.0);
    spreads[t] = points.spread(offsets[t]);
    for (int64_t i = offsets[t]; i < offsets[t + 1]; ++i) {
      const float* const x = points.row(i);
      center_products[i] = static_cast<float>(std::inner_product(x, x + d, center, 0.0));
      largest = std::max(largest, std::inner_product(x, x + d, x, 0.0));
      spreads[t] = std::min(spreads[t], points.spread(i));
    }
    // Two products of tiles t and u, each off by slack times two lengths, are off by the product of their errors.
    errors[t] = static_cast<float>(1.0001 * std::sqrt(2 * slack * largest));
  });
}

int64_t PointTiles::tile_of(int64_t point) const {
  return std::upper_bound(offsets.begin(), offsets.end(), point) - offsets.begin() - 1;
}

TiledPoints PointTiles::of(const ScaledPoints& points, const float* starts) const {
  const auto or_null = [](const std::vector<float>& values) { return values.empty() ? nullptr : values.data(); };
  return {points.row(0),    starts,
          points.n(),       points.d(),
          offsets.data(),   n(),
          or_null(centers), or_null(center_products),
          or_null(errors),  or_null(spreads)};
}

double PointTiles::sampled_share(const ScaledPoints& points, double distance_threshold,
                                 const Execution& execution) const {
  const int64_t n_sampled = std::min(kSampledTiles, n()), n_pairs = n_sampled * (n_sampled - 1) / 2, d = points.d();
  if (n_pairs == 0) return 1;
  // How far the points of tile t reach from its centre toward that of u, times the distance of the two.
  const auto reach = [&](int64_t t, int64_t u) {
    float most = -std::numeric_limits<float>::infinity();
    for (int64_t i = offsets[t]; i < offsets[t + 1]; ++i)
      most = std::max(most, dot(points.row(i), &centers[u * d], d) - center_products[i]);
    return most;
  };
  std::vector<int64_t> near(n_sampled, 0);
  parallel_for(n_sampled, execution, [&](int64_t s, int) {
    const int64_t t = s * n() / n_sampled;
    std::vector<float> w(d);
    for (int64_t other = 0; other < s; ++other) {
      const int64_t u = other * n() / n_sampled;
      for (int64_t p = 0; p < d; ++p) w[p] = centers[u * d + p] - centers[t * d + p];
      const float square = static_cast<float>(points.scaled(distance_threshold)) - spreads[t] - spreads[u];
      const float limit = std::sqrt(std::max(square, 0.0f)) * std::sqrt(dot(w.data(), w.data(), d));
      near[s] += -reach(t, u) - reach(u, t) <= limit;
    }
  });
  return std::accumulate(near.begin(), near.end(), 0.0) / static_cast<double>(n_pairs);
}

// In products of whole tiles: two of all points and all centres, and those of the pairs that they leave.
PointTiles PointTiles::choose(const ScaledPoints& points, const std::vector<int64_t>& group_offsets,
                              double distance_threshold, const Execution& execution) {
  PointTiles all(points.n());
  if (group_offsets.empty()) return all;
  PointTiles of_groups(points, group_offsets, execution);
  const auto n_all = static_cast<double>(all.n()), n_tiles = static_cast<double>(of_groups.n());
  of_groups.share_left = of_groups.sampled_share(points, distance_threshold, execution);
  const double products = n_tiles * n_tiles * (of_groups.share_left / 2 + 1.0 / kTilePoints) + n_tiles;
  if (products > kClearlyFewer * n_all * n_all / 2) return all;
  return of_groups;
}

}  // namespace bcl
