// Squared distances in float64, of points and of means, with the same bits on every processor (simd/exact_kernels.h):
// what decides which clusters merge, and at what height.
#pragma once

#include <cstdint>
#include <vector>

#include "simd/exact_kernels.h"

namespace bcl {

// distances[t] = |points[left[t]] - points[right[t]]|^2, with the bits of SciPy's pdist.
template <class T>
void exact_distances(const T* points /* [., d] */, int64_t d, const std::vector<int32_t>& left,
                     const std::vector<int32_t>& right, std::vector<double>& distances) {
  const auto count = static_cast<int64_t>(left.size());
  distances.resize(left.size());
  exact_kernels<T>().squared_distances(points, d, left.data(), right.data(), count, distances.data());
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
