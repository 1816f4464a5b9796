// The inner loops, compiled once per instruction set with BCL_SIMD naming it (csrc/CMakeLists.txt).
//
// Only builtins and intrinsics here: an inline function of the standard library compiled for AVX-512 could be the copy
// that the linker keeps for everyone.
#include "simd/kernels.h"

#include "simd/width.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace bcl {
namespace {

template <class T, int kBytes>
struct Vector {
  typedef T Type __attribute__((vector_size(kBytes)));
};

// Folds the upper half of a vector onto the lower until one number is left: in registers, where halves in memory would
// wait for each other.
template <class T, int kBytes>
inline T sum_of_lanes(const typename Vector<T, kBytes>::Type& v) {
  if constexpr (kBytes == 2 * sizeof(T)) {
    return v[0] + v[1];
  } else {
    typename Vector<T, kBytes / 2>::Type low, high;
    __builtin_memcpy(&low, &v, kBytes / 2);
    __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + kBytes / 2, kBytes / 2);
    return sum_of_lanes<T, kBytes / 2>(low + high);
  }
}

// A tile is kTileRows x 2 vectors of accumulators: it fills the register file and leaves room for the operands.
template <class T>
struct Simd {
  typedef T V __attribute__((vector_size(kVectorBytes)));
  typedef T Unaligned __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
  static constexpr int64_t kLanes = kVectorBytes / sizeof(T);
  static constexpr int64_t kPanel = 2 * kLanes;
  static V load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
  static void store(T* p, V v) { *reinterpret_cast<Unaligned*>(p) = v; }
  static T sum(V v) { return sum_of_lanes<T, kVectorBytes>(v); }
};

template <class T>
void pack_panel(const T* rows, int64_t ld, int64_t n, int64_t d, T* panel) {
  constexpr int64_t kPanel = Simd<T>::kPanel;
  for (int64_t c = 0; c < kPanel; ++c)
    for (int64_t p = 0; p < d; ++p) panel[p * kPanel + c] = c < n ? rows[c * ld + p] : T(0);
}

template <class T, int R>
inline void score_tile(const T* rows, int64_t ld, const T* panel, const T* start, int64_t d, T* out, int64_t out_ld) {
  using S = Simd<T>;
  typename S::V left[R], right[R];
  for (int r = 0; r < R; ++r) {
    left[r] = S::load(start);
    right[r] = S::load(start + S::kLanes);
  }
  for (int64_t p = 0; p < d; ++p) {
    const typename S::V column_left = S::load(panel + p * S::kPanel);
    const typename S::V column_right = S::load(panel + p * S::kPanel + S::kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const T x = rows[r * ld + p];
      left[r] += x * column_left;
      right[r] += x * column_right;
    }
  }
  for (int r = 0; r < R; ++r) {
    S::store(out + r * out_ld, left[r]);
    S::store(out + r * out_ld + S::kLanes, right[r]);
  }
}

// The last, shorter group of rows: the same tile with R known at compile time.
template <class T, int R>
void score_rest(int64_t m, const T* rows, int64_t ld, const T* panel, const T* start, int64_t d, T* out,
                int64_t out_ld) {
  if (m == R) {
    score_tile<T, R>(rows, ld, panel, start, d, out, out_ld);
  } else if constexpr (R > 1) {
    score_rest<T, R - 1>(m, rows, ld, panel, start, d, out, out_ld);
  }
}

template <class T>
void scores(const T* rows, int64_t ld, int64_t m, const T* panels, const T* start, int64_t n_panels, int64_t d, T* out,
            int64_t out_ld) {
  constexpr int64_t kPanel = Simd<T>::kPanel;
  for (int64_t j = 0; j < n_panels; ++j) {
    const T* panel = panels + j * d * kPanel;
    int64_t r = 0;
    for (; r + kTileRows <= m; r += kTileRows)
      score_tile<T, kTileRows>(rows + r * ld, ld, panel, start + j * kPanel, d, out + r * out_ld + j * kPanel, out_ld);
    score_rest<T, kTileRows>(m - r, rows + r * ld, ld, panel, start + j * kPanel, d, out + r * out_ld + j * kPanel,
                             out_ld);
  }
}

#if defined(__aarch64__)
// All bits of byte c are set where row[c] >= limit, for 16 columns.
inline uint8x16_t at_least_16(const float* row, float limit) {
  const float32x4_t bound = vdupq_n_f32(limit);
  uint16x8_t halves[2];
  for (int i = 0; i < 2; ++i)
    halves[i] = vuzp1q_u16(vreinterpretq_u16_u32(vcgeq_f32(vld1q_f32(row + 8 * i), bound)),
                           vreinterpretq_u16_u32(vcgeq_f32(vld1q_f32(row + 8 * i + 4), bound)));
  return vuzp1q_u8(vreinterpretq_u8_u16(halves[0]), vreinterpretq_u8_u16(halves[1]));
}
#endif

// Bit c is set where row[c] >= limit, for 32 columns.
inline uint32_t at_least_32(const float* row, float limit) {
#if defined(__AVX512F__)
  const __m512 bound = _mm512_set1_ps(limit);
  const uint32_t low = _mm512_cmp_ps_mask(_mm512_loadu_ps(row), bound, _CMP_GE_OQ);
  const uint32_t high = _mm512_cmp_ps_mask(_mm512_loadu_ps(row + 16), bound, _CMP_GE_OQ);
  return low | high << 16;
#elif defined(__AVX2__)
  const __m256 bound = _mm256_set1_ps(limit);
  uint32_t mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m256 hit = _mm256_cmp_ps(_mm256_loadu_ps(row + 8 * i), bound, _CMP_GE_OQ);
    mask |= static_cast<uint32_t>(_mm256_movemask_ps(hit)) << (8 * i);
  }
  return mask;
#elif defined(__aarch64__)
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t low = vandq_u8(at_least_16(row, limit), bits), high = vandq_u8(at_least_16(row + 16, limit), bits);
  const uint8x16_t twos = vpaddq_u8(low, high), fours = vpaddq_u8(twos, twos), eights = vpaddq_u8(fours, fours);
  return vgetq_lane_u32(vreinterpretq_u32_u8(eights), 0);
#else
  uint32_t mask = 0;
  for (int i = 0; i < 32; ++i) mask |= static_cast<uint32_t>(row[i] >= limit) << i;
  return mask;
#endif
}

inline uint32_t at_least_32(const double* row, double limit) {
  uint32_t mask = 0;
  for (int i = 0; i < 32; ++i) mask |= static_cast<uint32_t>(row[i] >= limit) << i;
  return mask;
}

// The first c < n with row[c] >= limit; n if there is none.
template <class T>
int64_t first_at_least(const T* row, int64_t n, T limit) {
  int64_t c = 0;
  for (; c + 32 <= n; c += 32)
    if (const uint32_t mask = at_least_32(row + c, limit)) return c + __builtin_ctz(mask);
  while (c < n && !(row[c] >= limit)) ++c;
  return c;
}

template <class T>
T row_max(const T* row, int64_t n) {
  using S = Simd<T>;
  typename S::V left = S::load(row), right = S::load(row + S::kLanes);
  for (int64_t c = S::kPanel; c < n; c += S::kPanel) {
    const typename S::V x = S::load(row + c), y = S::load(row + c + S::kLanes);
    left = x > left ? x : left;
    right = y > right ? y : right;
  }
  left = right > left ? right : left;
  T best = left[0];
  for (int64_t i = 1; i < S::kLanes; ++i) best = left[i] > best ? left[i] : best;
  return best;
}

template <class T>
void update_best(const T* out, int64_t out_ld, int64_t m, int64_t n, int32_t first_column, T* best,
                 int32_t* best_column) {
  for (int64_t r = 0; r < m; ++r) {
    const T* row = out + r * out_ld;
    const T top = row_max(row, n);
    if (!(top > best[r])) continue;
    best[r] = top;
    best_column[r] = first_column + static_cast<int32_t>(first_at_least(row, n, top));
  }
}

template <class T>
int64_t select_at_least(const T* row, int64_t n, T limit, int32_t first_column, int32_t* columns) {
  int64_t count = 0, c = 0;
  for (; c + 32 <= n; c += 32)
    for (uint32_t mask = at_least_32(row + c, limit); mask != 0; mask &= mask - 1)
      columns[count++] = first_column + static_cast<int32_t>(c) + __builtin_ctz(mask);
  for (; c < n; ++c)
    if (row[c] >= limit) columns[count++] = first_column + static_cast<int32_t>(c);
  return count;
}

// The sum of term(p) over [0, d) in two vectors of accumulators, then a scalar rest.
template <class T, class VectorTerm, class ScalarTerm>
inline T reduce(int64_t d, VectorTerm vector_term, ScalarTerm scalar_term) {
  using S = Simd<T>;
  typename S::V first{}, second{};
  int64_t p = 0;
  for (; p + S::kPanel <= d; p += S::kPanel) {
    first += vector_term(p);
    second += vector_term(p + S::kLanes);
  }
  T total = S::sum(first + second);
  for (; p < d; ++p) total += scalar_term(p);
  return total;
}

template <class T>
T squared_distance(const T* x, const T* y, int64_t d) {
  using S = Simd<T>;
  return reduce<T>(
      d,
      [=](int64_t p) {
        const typename S::V e = S::load(x + p) - S::load(y + p);
        return e * e;
      },
      [=](int64_t p) { return (x[p] - y[p]) * (x[p] - y[p]); });
}

template <class T>
T dot(const T* x, const T* y, int64_t d) {
  using S = Simd<T>;
  return reduce<T>(
      d, [=](int64_t p) { return S::load(x + p) * S::load(y + p); }, [=](int64_t p) { return x[p] * y[p]; });
}

template <class T>
void add(T* __restrict__ y, const T* __restrict__ x, int64_t d) {
  for (int64_t p = 0; p < d; ++p) y[p] += x[p];
}

template <class T>
void axpy(T* __restrict__ y, T a, const T* __restrict__ x, int64_t d) {
  for (int64_t p = 0; p < d; ++p) y[p] += a * x[p];
}

template <class T>
void scale(T* y, T a, const T* x, int64_t d) {
  for (int64_t p = 0; p < d; ++p) y[p] = a * x[p];
}

template <class T>
void combine(T* __restrict__ out, T a, const T* x, T b, const T* y, const T* z, int64_t d) {
  for (int64_t p = 0; p < d; ++p) out[p] = a * x[p] + b * y[p] + z[p];
}

#define BCL_STRING(x) #x
#define BCL_NAME(x) BCL_STRING(x)

template <class T>
constexpr Kernels<T> table() {
  return {BCL_NAME(BCL_SIMD),  Simd<T>::kPanel, pack_panel<T>, scores<T>, update_best<T>, select_at_least<T>,
          squared_distance<T>, dot<T>,          add<T>,        axpy<T>,   scale<T>,       combine<T>};
}

}  // namespace

namespace BCL_SIMD {
extern const Kernels<float> kFloat;
extern const Kernels<double> kDouble;
constexpr Kernels<float> kFloat = table<float>();
constexpr Kernels<double> kDouble = table<double>();
}  // namespace BCL_SIMD

}  // namespace bcl
