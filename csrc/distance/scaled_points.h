// Points centred and scaled for float32, and what that may cost: the bound under which a float32 product proves that
// two points lie beyond a threshold.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/execution.h"
#include "runtime/uninitialized.h"

namespace bcl {

// The power of two at or below x, kept large enough that its inverse is finite.
double power_of_two(double x);

// The unit of scaled points.
class ScaledUnit {
 public:
  ScaledUnit() = default;
  explicit ScaledUnit(double shrink) : shrink_(shrink) {}

  // A squared distance in it, with room for what scaling lost; at most 32, which no distance reaches.
  double scaled(double squared_distance) const;

 private:
  double shrink_ = 1;  // what lengths are multiplied by
};

class ScaledPoints {
 public:
  // The n rows points[rows[i]], or the first n where rows is null. Norms come out below 2.
  template <class T>
  ScaledPoints(const T* points, const int32_t* rows, int64_t n, int64_t d, const Execution& execution);

  // Points with spreads: what is asked of two of them is |x - y|^2 + spread of x + spread of y. write_row(i, x) writes
  // the d numbers of point i.
  using WriteRow = std::function<void(int64_t i, double* x)>;
  using Spread = std::function<double(int64_t i)>;
  ScaledPoints(int64_t n, int64_t d, const WriteRow& write_row, const Spread& spread, const Execution& execution);

  int64_t n() const { return n_; }
  int64_t d() const { return d_; }
  const float* row(int64_t i) const { return values_.data() + i * d_; }
  bool has_spreads() const { return !spreads_.empty(); }
  // In the unit of the scaled points, rounded down; at most 4.
  float spread(int64_t i) const { return spreads_.empty() ? 0.0f : spreads_[i]; }

  // Two points may lie within a distance threshold, spreads included, only if
  // x_i . x_j + start(j) >= limit(i, distance_threshold), however the float32 product is summed.
  float start(int64_t j) const { return start_[j]; }
  float limit(int64_t i, double distance_threshold) const {
    return static_cast<float>(-start_[i] - scaled(distance_threshold) / 2);
  }

  const ScaledUnit& unit() const { return unit_; }
  double scaled(double squared_distance) const { return unit_.scaled(squared_distance); }

 private:
  template <class Row>
  void fill(const Row& row, const Spread& spread, const Execution& execution);

  int64_t n_, d_;
  ScaledUnit unit_;
  UninitializedVector<float> values_;
  std::vector<float> start_, spreads_;  // spreads_ empty: all zero
};

}  // namespace bcl
