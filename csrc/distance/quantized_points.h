// Points along orthonormal directions V, in 8-bit integers: q = round(s V'x), with a bound e >= |s V'x - q| for each.
//
// The scale s is the largest under which what LeadingScreen computes with the bytes fits into 16 bits.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/principal_directions.h"
#include "distance/scaled_points.h"
#include "distance/tiles.h"
#include "runtime/execution.h"
#include "simd/byte_kernels.h"

namespace bcl {

class QuantizedPoints {
 public:
  // depth: of the directions, those that all pairs are asked about first, a multiple of 4.
  QuantizedPoints(const ScaledPoints& points, const Directions& directions, int64_t depth, const Execution& execution);

  // What is known of every q in its first `depth` directions, or in all. A spread is asked about as if it were a
  // square along one more direction, in which no two points are alike.
  struct Lengths {
    explicit Lengths(int64_t n) : errors(n), squares(n) {}
    std::vector<float> errors;     // [n] e
    std::vector<int32_t> squares;  // [n] |q|^2 and the spread in the same unit, rounded down
    double longest = 0;            // bounds their roots
  };

  int64_t n() const { return n_; }
  int64_t depth() const { return depth_; }
  double scale() const { return scale_; }
  const Lengths& leading() const { return leading_; }
  const Lengths& whole() const { return whole_; }

  // The bytes of all points [n, row_bytes], in all directions, then zeros.
  int64_t row_bytes() const { return row_bytes_; }
  const int8_t* values() const { return values_.data(); }
  const int8_t* row(int64_t i) const { return values_.data() + i * row_bytes_; }

  // A row and a column of a product (simd/byte_kernels.h), of bytes in the first `depth` directions like a point's: a
  // row's are made unsigned where they must be, and a column's start takes back what that adds to every product with
  // it.
  void write_row(const int8_t* q, uint8_t* row /* [depth] */) const;
  void write_column(const int8_t* q, int8_t* column /* [depth] */) const;
  int32_t column_start(const int8_t* q) const;

 private:
  void quantize(const ScaledPoints& points, const Panels<float>& axes, double rounding, const Execution& execution);

  int64_t n_, depth_, n_directions_;
  double scale_ = 1;
  int64_t row_bytes_;
  std::vector<int8_t> values_;
  std::vector<int32_t> offsets_;  // [depth] what makes the bytes unsigned, or 0
  Lengths leading_, whole_;
};

}  // namespace bcl
