#include "distance/scaled_points.h"

#include <algorithm>
#include <cmath>

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 512;
constexpr int64_t kRowsOfMean = 1 << 14;  // whatever lies near the middle will do to centre points

int64_t n_tasks(int64_t n) { return (n + kRowsPerTask - 1) / kRowsPerTask; }

// Calls task(t, first, last) for blocks of rows, the same for any number of threads.
template <class Task>
void for_each_block(int64_t n, const Execution& execution, const Task& task) {
  parallel_for(n_tasks(n), execution,
               [&](int64_t t, int) { task(t, t * kRowsPerTask, std::min(n, (t + 1) * kRowsPerTask)); });
}

// row(i, room) returns where the d numbers of point i are: in the room for d numbers given, or where they were.
template <class Row>
std::vector<double> column_means(int64_t n, int64_t d, const Row& row, const Execution& execution) {
  const int64_t step = std::max<int64_t>(1, n / kRowsOfMean), n_rows = (n + step - 1) / step;
  std::vector<double> sums(n_tasks(n_rows) * d, 0.0), mean(d, 0.0);
  for_each_block(n_rows, execution, [&](int64_t t, int64_t first, int64_t last) {
    double* const sum = sums.data() + t * d;
    std::vector<double> room(d);
    for (int64_t i = first; i < last; ++i) {
      const auto* const x = row(i * step, room.data());
      for (int64_t p = 0; p < d; ++p) sum[p] += x[p];
    }
  });
  for (int64_t t = 0; t < n_tasks(n_rows); ++t)
    for (int64_t p = 0; p < d; ++p) mean[p] += sums[t * d + p] / static_cast<double>(n_rows);
  return mean;
}

// A bound on the norms and on the roots of the spreads, by the largest coordinate, so that squares cannot overflow.
template <class Row>
double largest_norm(int64_t n, int64_t d, const std::vector<double>& mean, const Row& row,
                    const ScaledPoints::Spread& spread, const Execution& execution) {
  std::vector<double> largest(n_tasks(n), 0.0), largest_spread(n_tasks(n), 0.0);
  for_each_block(n, execution, [&](int64_t t, int64_t first, int64_t last) {
    std::vector<double> room(d), sizes(d, 0.0);  // by column, which vectors can do
    for (int64_t i = first; i < last; ++i) {
      const auto* const x = row(i, room.data());
      for (int64_t p = 0; p < d; ++p) sizes[p] = std::max(sizes[p], std::abs(x[p] - mean[p]));
      if (spread) largest_spread[t] = std::max(largest_spread[t], spread(i));
    }
    for (const double size : sizes) largest[t] = std::max(largest[t], size);
  });
  if (n == 0) return 0;
  return std::max(std::sqrt(static_cast<double>(d)) * *std::max_element(largest.begin(), largest.end()),
                  std::sqrt(*std::max_element(largest_spread.begin(), largest_spread.end())));
}

}  // namespace

double power_of_two(double x) { return std::ldexp(1.0, std::clamp(std::ilogb(x), -1000, 1023)); }

template <class T>
ScaledPoints::ScaledPoints(const T* points, const int32_t* rows, int64_t n, int64_t d, const Execution& execution)
    : n_(n), d_(d), values_(static_cast<size_t>(n * d)), start_(static_cast<size_t>(n)) {
  fill([=](int64_t i, double*) { return points + (rows == nullptr ? i : rows[i]) * d; }, {}, execution);
}

ScaledPoints::ScaledPoints(int64_t n, int64_t d, const WriteRow& write_row, const Spread& spread,
                           const Execution& execution)
    : n_(n), d_(d), values_(static_cast<size_t>(n * d)), start_(static_cast<size_t>(n)), spreads_(n) {
  const auto row = [&](int64_t i, double* room) {
    write_row(i, room);
    return room;
  };
  fill(row, spread, execution);
}

template <class Row>
void ScaledPoints::fill(const Row& row, const Spread& spread, const Execution& execution) {
  const int64_t n = n_, d = d_;
  const std::vector<double> mean = column_means(n, d, row, execution);
  const double shrink = 1 / power_of_two(largest_norm(n, d, mean, row, spread, execution));
  unit_ = ScaledUnit(shrink);
  // u = 2^-24. A score is a sum of d + 1 roundings of terms whose absolute sum is at most |x|^2 + |y|^2 and the
  // spreads; centring and scaling move each coordinate by u relative, norms are rounded: 2 (d + 1) + 16 covers them,
  // doubled to be generous.
  const double slack = (4.0 * d + 40) * std::ldexp(1.0, -24);
  for_each_block(n, execution, [&](int64_t, int64_t first, int64_t last) {
    std::vector<double> room(d);
    for (int64_t i = first; i < last; ++i) {
      const auto* const from = row(i, room.data());
      float* const x = values_.data() + i * d;
      double square = 0;
      for (int64_t p = 0; p < d; ++p) {
        x[p] = static_cast<float>((from[p] - mean[p]) * shrink);
        square += static_cast<double>(x[p]) * x[p];
      }
      if (spread) spreads_[i] = static_cast<float>(spread(i) * shrink * shrink * (1 - slack));
      // |x - y|^2 + spreads <= tau + slack (|x|^2 + |y|^2 + spreads), rearranged for the score.
      start_[i] = static_cast<float>(-(1 - slack) * (square + this->spread(i)) / 2);
    }
  });
}

// 1e-30: norms that underflow; far below any distance that float32 resolves beside norms of 1. The cap keeps an
// infinite threshold finite: the scores of columns that are only padding are -inf, and must not pass.
double ScaledUnit::scaled(double squared_distance) const {
  return (std::isinf(squared_distance) ? 32.0 : std::min(squared_distance * shrink_ * shrink_, 32.0)) + 1e-30;
}

template ScaledPoints::ScaledPoints(const float*, const int32_t*, int64_t, int64_t, const Execution&);
template ScaledPoints::ScaledPoints(const double*, const int32_t*, int64_t, int64_t, const Execution&);

}  // namespace bcl
