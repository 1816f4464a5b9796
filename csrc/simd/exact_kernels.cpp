// The inner loops with the same bits everywhere, compiled once per instruction set with BCL_SIMD naming it. No function
// of the standard library here, as in kernels.cpp.
#include "simd/exact_kernels.h"

#include "simd/width.h"

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

typedef double Vector __attribute__((vector_size(kVectorBytes)));
typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(double)), may_alias));
constexpr int64_t kWidth = kVectorBytes / sizeof(double), kPanel = 2 * kWidth;
constexpr int kRows = 4;  // eight vectors of sums: enough that no addition waits for the one before

inline Vector load(const double* p) { return *reinterpret_cast<const Unaligned*>(p); }
inline void store(double* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }

template <int R>
inline void add_squares_tile(const double* rows, int64_t ld, const double* panel, int64_t d, double* sums,
                             int64_t sums_ld) {
  Vector left[R], right[R];
  for (int r = 0; r < R; ++r) {
    left[r] = load(sums + r * sums_ld);
    right[r] = load(sums + r * sums_ld + kWidth);
  }
  for (int64_t p = 0; p < d; ++p) {
    const Vector column_left = load(panel + p * kPanel), column_right = load(panel + p * kPanel + kWidth);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const double x = rows[r * ld + p];
      const Vector e = x - column_left, f = x - column_right;
      left[r] += e * e;
      right[r] += f * f;
    }
  }
  for (int r = 0; r < R; ++r) {
    store(sums + r * sums_ld, left[r]);
    store(sums + r * sums_ld + kWidth, right[r]);
  }
}

void add_squares(const double* rows, int64_t ld, int64_t m, const double* panel, int64_t d, double* sums,
                 int64_t sums_ld) {
  int64_t r = 0;
  for (; r + kRows <= m; r += kRows) add_squares_tile<kRows>(rows + r * ld, ld, panel, d, sums + r * sums_ld, sums_ld);
  for (; r < m; ++r) add_squares_tile<1>(rows + r * ld, ld, panel, d, sums + r * sums_ld, sums_ld);
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
extern const ExactTiles kExactTiles;
constexpr ExactTiles kExactTiles = {kPanel, add_squares};
}  // namespace BCL_SIMD

}  // namespace bcl
