// The inner loops whose float64 results have the same bits on every processor: no fused multiply-add (exact_kernels.cpp
// is compiled without), and one order of summation whatever the width of the vectors. Compiled and chosen per
// instruction set as kernels.h says.
#pragma once

#include <cstdint>

namespace bcl {

template <class T>
struct ExactKernels {
  double (*squared_distance)(const T* x, const T* y, int64_t d);

  // sum over p of (n m (x[p] - y[p]) + (m s[p] - n t[p]))^2: the squared distance of the means x + s / n and y + t / m,
  // times (n m)^2. The same bits with (x, s, n) and (y, t, m) exchanged.
  double (*squared_gap)(const T* x, const double* s, double n, const T* y, const double* t, double m, int64_t d);
};

template <class T>
const ExactKernels<T>& exact_kernels();

}  // namespace bcl
