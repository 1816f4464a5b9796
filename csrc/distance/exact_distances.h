// Squared distances in float64, from the coordinates: what decides whether a pair lies within the
// distance threshold.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "distance/scaled_points.h"
#include "simd/exact_kernels.h"

namespace bcl {

template <class T>
class ExactDistances {
 public:
  ExactDistances(const T* points, int64_t n, int64_t d, double distance_threshold)
      : points_(points),
        d_(d),
        distance_threshold_(distance_threshold),
        scale_(choose_scale(std::min(distance_threshold, largest_squared_distance(n)))),
        inverse_scale_(1 / scale_),
        doubt_((d + 8) * std::ldexp(1.0, -52)) {}

  int64_t d() const { return d_; }
  double distance_threshold() const { return distance_threshold_; }
  const T* row(int64_t i) const { return points_ + i * d_; }
  // Whether nothing is rounded, so that all orders of summation have the same bits: whole numbers that are not large.
  // Looks at all n points.
  bool is_exact(int64_t n) const {
    return std::all_of(points_, points_ + n * d_, is_whole) && largest_squared_distance(n) <= kWholeNumbers;
  }

  // distances[t] = |point i - point columns[t]|^2
  void evaluate(int64_t i, const int32_t* columns, int64_t count, double* distances) const {
    exact_kernels<T>().squared_distances(row(i), points_, d_, columns, count, d_, distances);
    int64_t doubtful[kTogether], n_doubtful = 0;
    for (int64_t t = 0; t < count; ++t) {
      if (!(std::abs(distances[t] - distance_threshold_) < doubt_ * distance_threshold_)) continue;
      doubtful[n_doubtful++] = t;
      if (n_doubtful < kTogether) continue;
      decide(i, columns, doubtful, n_doubtful, distances);
      n_doubtful = 0;
    }
    if (n_doubtful > 0) decide(i, columns, doubtful, n_doubtful, distances);
  }

  // The sum in feature order, as SciPy's pdist has it: decides pairs whose distance equals the threshold
  // up to the order of summation.
  double sequential(int64_t i, int64_t j) const {
    double sum = 0;
    for (int64_t p = 0; p < d_; ++p) {
      const double e = static_cast<double>(row(i)[p]) - static_cast<double>(row(j)[p]);
      sum += e * e;
    }
    return sum;
  }

  // Distances are stored in float32, divided by a power of two where float32's range would not hold them (1 else).
  double scale() const { return scale_; }
  float stored(double distance) const { return static_cast<float>(distance * inverse_scale_); }

 private:
  // Of several pairs, `sequential` side by side: one alone is a chain of additions that wait for each other.
  void decide(int64_t i, const int32_t* columns, const int64_t* places, int64_t count, double* distances) const {
    const T* others[kTogether];
    for (int64_t k = 0; k < kTogether; ++k) others[k] = row(columns[places[std::min(k, count - 1)]]);
    double sums[kTogether] = {};
    for (int64_t p = 0; p < d_; ++p)
      for (int64_t k = 0; k < kTogether; ++k) {
        const double e = static_cast<double>(row(i)[p]) - static_cast<double>(others[k][p]);
        sums[k] += e * e;
      }
    for (int64_t k = 0; k < count; ++k) distances[places[k]] = sums[k];
  }

  static bool is_whole(T value) { return value == std::trunc(value); }

  static double choose_scale(double largest) {
    const bool ordinary = largest == 0 || (largest > 1e-20 && largest < 1e30);
    return ordinary ? 1.0 : power_of_two(largest);
  }

  // A bound, from the range of each feature.
  double largest_squared_distance(int64_t n) const {
    if (n == 0) return 0;
    std::vector<T> low(row(0), row(1)), high(low);
    for (int64_t i = 1; i < n; ++i)
      for (int64_t p = 0; p < d_; ++p) {
        low[p] = std::min(low[p], row(i)[p]);
        high[p] = std::max(high[p], row(i)[p]);
      }
    double sum = 0;
    for (int64_t p = 0; p < d_; ++p) {
      const double range = static_cast<double>(high[p]) - low[p];
      sum += range * range;
    }
    return sum;
  }

  static constexpr int64_t kTogether = 8;
  static constexpr double kWholeNumbers = int64_t{1} << 53;  // up to which float64 holds all

  const T* points_;
  int64_t d_;
  double distance_threshold_, scale_, inverse_scale_, doubt_;
};

}  // namespace bcl
