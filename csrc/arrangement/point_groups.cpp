#include "arrangement/point_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "arrangement/byte_centers.h"
#include "distance/principal_directions.h"
#include "distance/quantized_points.h"
#include "runtime/csr.h"

namespace bcl {
namespace {

constexpr int64_t kPointsPerSample = 8, kFewestSamples = 1 << 14;
constexpr double kFewestPerLeader = 1.5;  // points of the whole sample, for there to be groups
constexpr double kEarlyFewest = 1.05;     // of a quarter of it
constexpr double kJoinedRadius = 0.5;     // of the groups'
constexpr int64_t kFewestDirections = 4;
// Where the radius asked for is larger, groups are for that which so many neighbours lie within, widened.
constexpr double kNeighbors = 64, kWidened = 1.6;
constexpr int64_t kRadiusRows = 512, kRadiusColumns = 4096;

class Grouping {
 public:
  Grouping(const QuantizedPoints& points, int64_t n_all, double squared_radius, const Execution& execution)
      : points_(points), n_all_(n_all), squared_radius_(squared_radius), execution_(execution), centers_(points) {}

  PointGroups run() {
    const int64_t n = points_.n();
    const std::vector<int32_t> sample = draw_sample();
    if (!find_leaders(sample)) return {{}, {0}};
    move_to_means(sample);
    std::vector<int32_t> groups(n), all(n);
    std::iota(all.begin(), all.end(), 0);
    find_nearest(all, squared_radius_, groups);
    lead_loose_points(groups);
    return numbered(groups);
  }

 private:
  // Spread over all points, and so is every first part of it.
  std::vector<int32_t> draw_sample() const {
    constexpr int64_t kStride = 16;
    const int64_t n_samples = std::min(points_.n(), std::max(kFewestSamples, n_all_ / kPointsPerSample));
    std::vector<int32_t> sample;
    for (int64_t start = 0; start < kStride; ++start)
      for (int64_t s = start; s < n_samples; s += kStride)
        sample.push_back(static_cast<int32_t>(s * points_.n() / n_samples));
    return sample;
  }

  bool find_leaders(const std::vector<int32_t>& sample) {
    const auto n = static_cast<int64_t>(sample.size());
    const auto too_even = [&](int64_t n_rows, int64_t n_centers) {
      const auto leaders = static_cast<double>(n_centers);
      return (n_rows >= n / 4 && leaders * kEarlyFewest > static_cast<double>(n_rows)) ||
             leaders * kFewestPerLeader > static_cast<double>(n);
    };
    return centers_.add_scattered([&](int64_t t) { return points_.row(sample[t]); }, n, squared_radius_, execution_,
                                  too_even);
  }

  void find_nearest(const std::vector<int32_t>& points, double squared_radius, std::vector<int32_t>& nearest) {
    nearest.resize(points.size());
    centers_.find_nearest([&](int64_t t) { return points_.row(points[t]); }, static_cast<int64_t>(points.size()),
                          squared_radius, execution_, nearest.data());
  }

  // The centres become the means of those of the sample that are nearest to them; of several close together, that of
  // the most remains.
  void move_to_means(const std::vector<int32_t>& sample) {
    std::vector<int32_t> nearest;
    find_nearest(sample, squared_radius_, nearest);
    const int64_t depth = points_.depth(), n = centers_.n();
    std::vector<int32_t> sizes(n, 0), sums(n * depth, 0);
    for (size_t t = 0; t < sample.size(); ++t) {
      ++sizes[nearest[t]];
      for (int64_t p = 0; p < depth; ++p) sums[nearest[t] * depth + p] += points_.row(sample[t])[p];
    }
    std::vector<int8_t> means(n * depth);
    for (int64_t at = 0; at < n * depth; ++at)
      means[at] = static_cast<int8_t>(std::lround(static_cast<double>(sums[at]) / sizes[at / depth]));
    std::vector<int32_t> by_size(n);
    std::iota(by_size.begin(), by_size.end(), 0);
    std::stable_sort(by_size.begin(), by_size.end(), [&](int32_t a, int32_t b) { return sizes[a] > sizes[b]; });
    centers_ = ByteCenters(points_);
    centers_.add_scattered([&](int64_t t) { return &means[by_size[t] * depth]; }, n, kJoinedRadius * squared_radius_,
                           execution_);
  }

  void lead_loose_points(std::vector<int32_t>& groups) {
    std::vector<int32_t> loose, nearest;
    for (size_t i = 0; i < groups.size(); ++i)
      if (groups[i] < 0) loose.push_back(static_cast<int32_t>(i));
    centers_.add_scattered([&](int64_t t) { return points_.row(loose[t]); }, static_cast<int64_t>(loose.size()),
                           squared_radius_, execution_);
    find_nearest(loose, squared_radius_, nearest);
    for (size_t t = 0; t < loose.size(); ++t) groups[loose[t]] = nearest[t];
  }

  // Leaves out the empty.
  PointGroups numbered(const std::vector<int32_t>& groups) const {
    PointGroups result;
    const auto for_each_point = [&](const auto& entry) {
      for (size_t i = 0; i < groups.size(); ++i) entry(groups[i], static_cast<int32_t>(i));
    };
    sort_into_rows(centers_.n(), for_each_point, result.offsets, result.order);
    result.offsets.erase(std::unique(result.offsets.begin(), result.offsets.end()), result.offsets.end());
    return result;
  }

  const QuantizedPoints& points_;
  const int64_t n_all_;
  const double squared_radius_;
  const Execution& execution_;
  ByteCenters centers_;
};

// The squared distance, in the unit of the bytes, that about n_neighbors others of a point lie within, by a sample.
double neighborhood(const QuantizedPoints& points, double n_neighbors, const Execution& execution) {
  const int64_t n = points.n(), n_rows = std::min(kRadiusRows, n), n_columns = std::min(kRadiusColumns, n);
  std::vector<int32_t> distances(n_rows * n_columns);
  parallel_for(n_rows, execution, [&](int64_t r, int) {
    const int64_t i = r * n / n_rows;
    for (int64_t c = 0; c < n_columns; ++c) {
      const int64_t j = c * n / n_columns;
      distances[r * n_columns + c] = i == j ? std::numeric_limits<int32_t>::max()  // itself would count as near
                                            : squared_distance(points.row(i), points.row(j), points.depth());
    }
  });
  const auto rank = static_cast<int64_t>(n_neighbors / static_cast<double>(n) * static_cast<double>(distances.size()));
  const auto nth = distances.begin() + std::min<int64_t>(rank, static_cast<int64_t>(distances.size()) - 1);
  std::nth_element(distances.begin(), nth, distances.end());
  return *nth;
}

}  // namespace

std::vector<int32_t> nearest_groups(const ScaledPoints& points, int64_t n_centers, double radius,
                                    const Execution& execution) {
  const int64_t n = points.n() - n_centers;
  std::vector<int32_t> nearest(n, -1);
  const Directions axes = principal_directions(points, kMostDirections, execution);
  const int64_t depth = axes.n / kFewestDirections * kFewestDirections;
  if (depth == 0 || n == 0) return nearest;
  const QuantizedPoints bytes(points, axes, depth, execution);
  ByteCenters centers(bytes);
  for (int64_t c = 0; c < n_centers; ++c) centers.add(bytes.row(c));
  centers.find_nearest([&](int64_t t) { return bytes.row(n_centers + t); }, n,
                       bytes.scale() * bytes.scale() * points.scaled(radius), execution, nearest.data());
  return nearest;
}

PointGroups group_points(const ScaledPoints& points, double radius, const Execution& execution, int64_t n_all) {
  n_all = std::max(n_all, points.n());
  const Directions axes = principal_directions(points, kMostDirections, execution);
  const int64_t depth = axes.n / kFewestDirections * kFewestDirections;
  if (depth == 0) return {{}, {0}};
  const QuantizedPoints bytes(points, axes, depth, execution);
  const double wanted = bytes.scale() * bytes.scale() * points.scaled(radius);
  const double n_neighbors =
      kNeighbors * static_cast<double>(points.n()) / static_cast<double>(std::max<int64_t>(n_all, 1));
  const double squared_radius = std::min(wanted, kWidened * neighborhood(bytes, n_neighbors, execution));
  return Grouping(bytes, n_all, squared_radius, execution).run();
}

}  // namespace bcl
