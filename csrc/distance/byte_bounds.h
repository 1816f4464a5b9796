// What the bytes of two points prove of their distance.
//
//   |x - y|^2 <= tau   implies   |q_x - q_y| <= r + e_x + e_y   with r = s sqrt(tau), hence
//   q_x . q_y - A_y >= A_x - r^2 / 2                             with A = |q|^2 / 2 - r e - e^2,
//
// (where points have spreads, |q|^2 counts s^2 times the spread in).
#pragma once

#include <cmath>
#include <cstdint>

#include "distance/quantized_points.h"
#include "distance/scaled_points.h"

namespace bcl {

class ByteBounds {
 public:
  using Lengths = QuantizedPoints::Lengths;

  // The bytes must outlive it.
  ByteBounds(const ScaledPoints& points, const Directions& directions, const QuantizedPoints& bytes);

  // r; no two points are farther apart than twice the longest.
  double reach(double distance_threshold, const Lengths& lengths) const;

  // -A of a column and A - r^2 / 2 of a row, rounded so that no pair is lost. A column's may be of a larger r.
  static int32_t start(const Lengths& lengths, int64_t i, double r) {
    return -static_cast<int32_t>(std::floor(half_square(lengths, i, r)));
  }
  static int32_t limit(const Lengths& lengths, int64_t i, double r) {
    return static_cast<int32_t>(std::floor(half_square(lengths, i, r) - r * r / 2));
  }

 private:
  static double half_square(const Lengths& lengths, int64_t i, double r) {
    const double e = lengths.errors[i];
    return lengths.squares[i] / 2.0 - r * e - e * e;
  }

  const ScaledUnit unit_;
  const QuantizedPoints& bytes_;
  const double stretch_;
};

}  // namespace bcl
