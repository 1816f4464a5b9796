// Points centred and scaled for float32, and what that may cost: the bound under which a float32 product proves that
// two points lie beyond a threshold.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// The power of two at or below x, kept large enough that its inverse is finite.
double power_of_two(double x);

class ScaledPoints {
 public:
  // The n rows points[rows[i]], or the first n where rows is null. Norms come out below 2.
  template <class T>
  ScaledPoints(const T* points, const int32_t* rows, int64_t n, int64_t d, int n_threads);

  int64_t n() const { return n_; }
  int64_t d() const { return d_; }
  const float* row(int64_t i) const { return values_.data() + i * d_; }

  // Two points may lie within squared distance tau only if x_i . x_j + start(j) >= limit(i, tau), however the float32
  // product is summed.
  float start(int64_t j) const { return start_[j]; }
  float limit(int64_t i, double tau) const { return static_cast<float>(-start_[i] - scaled(tau) / 2); }

  // tau in the unit of the scaled points, with room for what scaling lost; at most 16, which no distance reaches.
  double scaled(double tau) const;

 private:
  int64_t n_, d_;
  double shrink_ = 1;
  std::vector<float> values_, start_;
};

}  // namespace bcl
