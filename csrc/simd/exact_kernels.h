// The inner loops whose float64 results have the same bits on every processor: no fused multiply-add (exact_kernels.cpp
// is compiled without), and one order of summation whatever the width of the vectors. Compiled and chosen per
// instruction set as kernels.h says.
#pragma once

#include <cstdint>

namespace bcl {

template <class T>
struct ExactKernels {
  double (*squared_distance)(const T* x, const T* y, int64_t d);

  // distances[t] = |x - rows[index[t]]|^2, the bits of squared_distance.
  void (*squared_distances)(const T* x /* [d] */, const T* rows /* [., ld] */, int64_t ld, const int32_t* index,
                            int64_t count, int64_t d, double* distances);

  // sum over p of (n m (x[p] - y[p]) + (m s[p] - n t[p]))^2: the squared distance of the means x + s / n and y + t / m,
  // times (n m)^2. The same bits with (x, s, n) and (y, t, m) exchanged.
  double (*squared_gap)(const T* x, const double* s, double n, const T* y, const double* t, double m, int64_t d);
};

// Distances of all rows and columns of a tile, each summed in the order of the features, as SciPy's pdist has it.
struct ExactTiles {
  // Columns come in panels of `panel_width`: panel[p * panel_width + c] is feature p of its column c.
  int64_t panel_width;

  // sums[r, c] += the sum over p of (rows[r, p] - panel[p, c])^2, for m rows and one panel.
  void (*add_squares)(const double* rows /* [m, ld] */, int64_t ld, int64_t m, const double* panel, int64_t d,
                      double* sums /* [m, sums_ld] */, int64_t sums_ld);
};

template <class T>
const ExactKernels<T>& exact_kernels();

const ExactTiles& exact_tiles();

}  // namespace bcl
