// The inner loops with the same bits everywhere, compiled once per instruction set with BCL_SIMD naming it. No function
// of the standard library here, as in kernels.cpp.
#include "simd/exact_kernels.h"

#include "simd/width.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bcl {
namespace {

typedef double Vector __attribute__((vector_size(kVectorBytes)));
typedef double Unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(double)), may_alias));
constexpr int64_t kWidth = kVectorBytes / sizeof(double), kPanel = 2 * kWidth;
constexpr int kRows = 4;  // eight vectors of sums: enough that no addition waits for the one before

inline Vector load(const double* p) { return *reinterpret_cast<const Unaligned*>(p); }
inline void store(double* p, Vector v) { *reinterpret_cast<Unaligned*>(p) = v; }

// GCC splits __builtin_convertvector into halves, which takes twice as long.
inline Vector load(const float* p) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));
#elif defined(__AVX2__)
  return _mm256_cvtps_pd(_mm_loadu_ps(p));
#elif defined(__aarch64__)
  return vcvt_f64_f32(vld1_f32(p));
#else
  return Vector{p[0], p[1]};
#endif
}

inline double sum(Vector v) {
  double s[kWidth];
  store(s, v);
  for (int64_t width = kWidth / 2; width > 0; width /= 2)
    for (int64_t k = 0; k < width; ++k) s[k] += s[k + width];
  return s[0];
}

// The sums of term(n, p)^2 over p in [0, d), for n in [0, N), side by side: sixteen partial sums whatever the width of
// a vector, halves of which are then added until one is left, and the rest. vector_term(n, p): the terms of p and those
// that follow.
template <int N, class VectorTerm, class Term>
inline void sums_of_squares(int64_t d, const VectorTerm& vector_term, const Term& term, double* totals) {
  constexpr int64_t kSums = 16;
  constexpr int kVectors = kSums / kWidth;
  Vector sums[N][kVectors] = {};
  int64_t p = 0;
  for (; p + kSums <= d; p += kSums)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v)
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        const Vector e = vector_term(n, p + v * kWidth);
        sums[n][v] += e * e;
      }
  for (int n = 0; n < N; ++n) {
    for (int half = kVectors / 2; half > 0; half /= 2)
      for (int v = 0; v < half; ++v) sums[n][v] += sums[n][v + half];
    totals[n] = sum(sums[n][0]);
  }
  for (; p < d; ++p)
    for (int n = 0; n < N; ++n) {
      const double e = term(n, p);
      totals[n] += e * e;
    }
}

// Of x and the rows named.
template <int N, class T>
inline void squared_distances_of(const T* x, const T* const (&rows)[N], int64_t d, double* distances) {
  sums_of_squares<N>(
      d, [&](int n, int64_t p) { return load(x + p) - load(rows[n] + p); },
      [&](int n, int64_t p) { return static_cast<double>(x[p]) - static_cast<double>(rows[n][p]); }, distances);
}

template <class T>
double squared_distance(const T* x, const T* y, int64_t d) {
  double distance;
  squared_distances_of<1>(x, {y}, d, &distance);
  return distance;
}

// Rows stand anywhere in memory; of long ones the processor sees by itself how they go on.
template <class T>
inline void prefetch(const T* row, int64_t d) {
  constexpr int64_t kLine = 64 / sizeof(T), kLines = 16;
  for (int64_t p = 0; p < d && p < kLines * kLine; p += kLine) __builtin_prefetch(row + p);
}

template <class T>
void squared_distances(const T* x, const T* rows, int64_t ld, const int32_t* index, int64_t count, int64_t d,
                       double* distances) {
  int64_t t = 0;
  for (; t + 2 <= count; t += 2) {
    for (int64_t next = t + 4; next < t + 6 && next < count; ++next) prefetch(rows + index[next] * ld, d);
    squared_distances_of<2>(x, {rows + index[t] * ld, rows + index[t + 1] * ld}, d, distances + t);
  }
  if (t < count) squared_distances_of<1>(x, {rows + index[t] * ld}, d, distances + t);
}

template <class T>
double squared_gap(const T* x, const double* s, double n, const T* y, const double* t, double m, int64_t d) {
  const double nm = n * m;
  double gap;
  sums_of_squares<1>(
      d, [=](int, int64_t p) { return nm * (load(x + p) - load(y + p)) + (m * load(s + p) - n * load(t + p)); },
      [=](int, int64_t p) {
        return nm * (static_cast<double>(x[p]) - static_cast<double>(y[p])) + (m * s[p] - n * t[p]);
      },
      &gap);
  return gap;
}

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
  return {squared_distance<T>, squared_distances<T>, squared_gap<T>};
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
