// The inner loops with the same bits everywhere, compiled once per instruction set with BCL_SIMD naming it. Only
// builtins and intrinsics here, as in kernels.cpp.
#include "simd/exact_kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace bcl {
namespace {

// Pairs summed side by side: their chains of additions hide each other's latency.
constexpr int kPairs = 8;

template <class T>
double squared_difference(const T* x, const T* y, int64_t p) {
  const double e = static_cast<double>(x[p]) - static_cast<double>(y[p]);
  return e * e;
}

#if defined(__AVX2__)

constexpr int64_t kFeatures = 4;  // of four features of a pair become four vectors over pairs

// columns[q] = feature q of the eight rows.
inline void transpose(const float* const* rows, int64_t p, __m256* columns) {
  __m256 r[4];
  for (int k = 0; k < 4; ++k)
    r[k] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(rows[k] + p)), _mm_loadu_ps(rows[k + 4] + p), 1);
  const __m256 a = _mm256_unpacklo_ps(r[0], r[1]), b = _mm256_unpackhi_ps(r[0], r[1]);
  const __m256 c = _mm256_unpacklo_ps(r[2], r[3]), d = _mm256_unpackhi_ps(r[2], r[3]);
  columns[0] = _mm256_shuffle_ps(a, c, 0x44);
  columns[1] = _mm256_shuffle_ps(a, c, 0xee);
  columns[2] = _mm256_shuffle_ps(b, d, 0x44);
  columns[3] = _mm256_shuffle_ps(b, d, 0xee);
}

// columns[q] = feature q of four rows.
inline void transpose(const double* const* rows, int64_t p, __m256d* columns) {
  const __m256d r0 = _mm256_loadu_pd(rows[0] + p), r1 = _mm256_loadu_pd(rows[1] + p);
  const __m256d r2 = _mm256_loadu_pd(rows[2] + p), r3 = _mm256_loadu_pd(rows[3] + p);
  const __m256d a = _mm256_unpacklo_pd(r0, r1), b = _mm256_unpackhi_pd(r0, r1);
  const __m256d c = _mm256_unpacklo_pd(r2, r3), d = _mm256_unpackhi_pd(r2, r3);
  columns[0] = _mm256_permute2f128_pd(a, c, 0x20);
  columns[1] = _mm256_permute2f128_pd(b, d, 0x20);
  columns[2] = _mm256_permute2f128_pd(a, c, 0x31);
  columns[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

// Adds to eight sums the squares of the features [0, end), a multiple of four.
inline void add_squares(const float* const* x, const float* const* y, int64_t end, double* sums) {
  __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
  for (int64_t p = 0; p < end; p += kFeatures) {
    __m256 left[4], right[4];
    transpose(x, p, left);
    transpose(y, p, right);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const __m256d e = _mm256_sub_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(left[q])),
                                      _mm256_cvtps_pd(_mm256_castps256_ps128(right[q])));
      const __m256d f = _mm256_sub_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(left[q], 1)),
                                      _mm256_cvtps_pd(_mm256_extractf128_ps(right[q], 1)));
      low = _mm256_add_pd(low, _mm256_mul_pd(e, e));
      high = _mm256_add_pd(high, _mm256_mul_pd(f, f));
    }
  }
  _mm256_storeu_pd(sums, low);
  _mm256_storeu_pd(sums + 4, high);
}

inline void add_squares(const double* const* x, const double* const* y, int64_t end, double* sums) {
  __m256d sum[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  for (int64_t p = 0; p < end; p += kFeatures) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      __m256d left[4], right[4];
      transpose(x + 4 * half, p, left);
      transpose(y + 4 * half, p, right);
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        const __m256d e = _mm256_sub_pd(left[q], right[q]);
        sum[half] = _mm256_add_pd(sum[half], _mm256_mul_pd(e, e));
      }
    }
  }
  _mm256_storeu_pd(sums, sum[0]);
  _mm256_storeu_pd(sums + 4, sum[1]);
}

#else

constexpr int64_t kFeatures = 1;

template <class T>
inline void add_squares(const T* const* x, const T* const* y, int64_t end, double* sums) {
  for (int k = 0; k < kPairs; ++k) sums[k] = 0;
  for (int64_t p = 0; p < end; ++p)
    for (int k = 0; k < kPairs; ++k) sums[k] += squared_difference(x[k], y[k], p);
}

#endif

template <class T>
void squared_distances(const T* points, int64_t d, const int32_t* left, const int32_t* right, int64_t count,
                       double* distances) {
  const int64_t end = d - d % kFeatures;
  for (int64_t t = 0; t < count; t += kPairs) {
    const int64_t n = count - t < kPairs ? count - t : kPairs;
    const T *x[kPairs], *y[kPairs];
    for (int k = 0; k < kPairs; ++k) {
      const int64_t pair = t + (k < n ? k : n - 1);
      x[k] = points + left[pair] * d;
      y[k] = points + right[pair] * d;
    }
    double sums[kPairs];
    add_squares(x, y, end, sums);
    for (int64_t k = 0; k < n; ++k) {
      for (int64_t p = end; p < d; ++p) sums[k] += squared_difference(x[k], y[k], p);
      distances[t + k] = sums[k];
    }
  }
}

// Eight partial sums whatever the width of a vector, then always in the same order. GCC splits such vectors where they
// are wider than the machine's.
template <class T>
double squared_gap(const T* x, const double* s, double n, const T* y, const double* t, double m, int64_t d) {
  constexpr int kLanes = 8;
  const double nm = n * m;
  double sums[kLanes] = {};
  int64_t p = 0;
  for (; p + kLanes <= d; p += kLanes)
#pragma GCC unroll 8
    for (int k = 0; k < kLanes; ++k) {
      const double gap = static_cast<double>(x[p + k]) - static_cast<double>(y[p + k]);
      const double e = nm * gap + (m * s[p + k] - n * t[p + k]);
      sums[k] += e * e;
    }
  for (int k = 0; p < d; ++p, ++k) {
    const double gap = static_cast<double>(x[p]) - static_cast<double>(y[p]);
    const double e = nm * gap + (m * s[p] - n * t[p]);
    sums[k] += e * e;
  }
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

template <class T>
constexpr ExactKernels<T> table() {
  return {squared_distances<T>, squared_gap<T>};
}

}  // namespace

namespace BCL_SIMD {
extern const ExactKernels<float> kExactFloat;
extern const ExactKernels<double> kExactDouble;
constexpr ExactKernels<float> kExactFloat = table<float>();
constexpr ExactKernels<double> kExactDouble = table<double>();
}  // namespace BCL_SIMD

}  // namespace bcl
