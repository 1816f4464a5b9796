// The inner loops with the same bits everywhere, compiled once per instruction set with BCL_SIMD naming it. No function
// of the standard library here, as in kernels.cpp.
#include "simd/exact_kernels.h"

namespace bcl {
namespace {

// The sum of term(p)^2 over [0, d): eight partial sums whatever the width of a vector, which are then added in one
// order.
template <class Term>
inline double sum_of_squares(int64_t d, const Term& term) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {};
  int64_t p = 0;
  for (; p + kLanes <= d; p += kLanes)
#pragma GCC unroll 8
    for (int k = 0; k < kLanes; ++k) {
      const double e = term(p + k);
      sums[k] += e * e;
    }
  for (int k = 0; p < d; ++p, ++k) {
    const double e = term(p);
    sums[k] += e * e;
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

template <class T>
double squared_distance(const T* x, const T* y, int64_t d) {
  return sum_of_squares(d, [=](int64_t p) { return static_cast<double>(x[p]) - static_cast<double>(y[p]); });
}

template <class T>
double squared_gap(const T* x, const double* s, double n, const T* y, const double* t, double m, int64_t d) {
  const double nm = n * m;
  return sum_of_squares(d, [=](int64_t p) {
    return nm * (static_cast<double>(x[p]) - static_cast<double>(y[p])) + (m * s[p] - n * t[p]);
  });
}

template <class T>
constexpr ExactKernels<T> table() {
  return {squared_distance<T>, squared_gap<T>};
}

}  // namespace

namespace BCL_SIMD {
extern const ExactKernels<float> kExactFloat;
extern const ExactKernels<double> kExactDouble;
constexpr ExactKernels<float> kExactFloat = table<float>();
constexpr ExactKernels<double> kExactDouble = table<double>();
}  // namespace BCL_SIMD

}  // namespace bcl
