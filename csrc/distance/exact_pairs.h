// Squared distances in float64, of points and of means, with the same bits on every processor (simd/exact_kernels.h).
#pragma once

#include <cstdint>

#include "simd/exact_kernels.h"

namespace bcl {

template <class T>
double exact_distance(const T* x /* [d] */, const T* y /* [d] */, int64_t d) {
  return exact_kernels<T>().squared_distance(x, y, d);
}

// n points whose offsets from one of them, the anchor, add up to `offsets`: their mean is anchor + offsets / n.
template <class T>
struct OffsetSum {
  const T* anchor;        // [d]
  const double* offsets;  // [d]
  double n;
};

// The squared distance of the two means times (n m)^2, for n points and m: exact where all sums are whole numbers below
// 2^53. The same bits with a and b exchanged.
template <class T>
double exact_gap(const OffsetSum<T>& a, const OffsetSum<T>& b, int64_t d) {
  return exact_kernels<T>().squared_gap(a.anchor, a.offsets, a.n, b.anchor, b.offsets, b.n, d);
}

}  // namespace bcl
