// simd/byte_vectors.h with AVX2, AVX-512 and AVX-512 with VNNI. Products are summed in 16 bits, two features at a time;
// or, where one instruction does it all, in 32 bits, four at a time.
#pragma once

#include <immintrin.h>

namespace bcl {
namespace {

constexpr bool kSignedRows = false;
#if defined(__AVX512VNNI__)
constexpr int64_t kFeatures = 4;
constexpr int32_t kLargestSum = 1 << 20, kLargestPair = 1 << 20;
typedef int32_t Start;
typedef uint32_t Sums __attribute__((vector_size(kVectorBytes)));
#else
constexpr int64_t kFeatures = 2;
constexpr int32_t kLargestSum = INT16_MAX, kLargestPair = INT16_MAX;
typedef int16_t Start;  // modulo 2^16
typedef uint16_t Sums __attribute__((vector_size(kVectorBytes)));
#endif
constexpr int64_t kTogether = kFeatures, kLanes = kVectorBytes / kFeatures, kTileColumns = 2 * kLanes;

typedef Start Differences __attribute__((vector_size(kVectorBytes)));
typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));
typedef Sums Unaligned __attribute__((aligned(1), may_alias));

inline Sums load(const void* p) { return *static_cast<const Unaligned*>(p); }
inline Sums splat(uint32_t word) { return reinterpret_cast<Sums>(Words{} + word); }
inline Differences larger(Differences a, Differences b) { return a > b ? a : b; }

#if defined(__AVX512F__)
inline __m512i raw(Sums sums) { return reinterpret_cast<__m512i>(sums); }
constexpr int64_t lane(int64_t column) { return column; }
#else
inline __m256i raw(Sums sums) { return reinterpret_cast<__m256i>(sums); }
// The instruction that joins two vectors takes them by 128-bit parts: so the bits come out in order.
constexpr int64_t lane(int64_t column) {
  const int64_t part = column / 8;  // left: parts 0 and 2, right: 1 and 3
  return part % 2 * kLanes + part / 2 * 8 + column % 8;
}
#endif

// add_products: sum + the products of a row's unsigned bytes with each column's signed ones
#if defined(__AVX512VNNI__)
inline Sums add_products(Sums sum, Sums row, Sums columns) {
  return reinterpret_cast<Sums>(_mm512_dpbusd_epi32(raw(sum), raw(row), raw(columns)));
}

using Bits = uint32_t;
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m512i bound = _mm512_set1_epi32(limit);
  return _mm512_kunpackw(_mm512_cmpge_epi32_mask(raw(right), bound), _mm512_cmpge_epi32_mask(raw(left), bound));
}

inline Differences subtract(Sums a, Sums b) { return reinterpret_cast<Differences>(a - b); }
#elif defined(__AVX512BW__)
inline Sums add_products(Sums sum, Sums row, Sums columns) {
  return sum + reinterpret_cast<Sums>(_mm512_maddubs_epi16(raw(row), raw(columns)));
}

using Bits = uint64_t;
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m512i bound = _mm512_set1_epi16(static_cast<int16_t>(limit));
  return _mm512_kunpackd(_mm512_cmpge_epi16_mask(raw(right), bound), _mm512_cmpge_epi16_mask(raw(left), bound));
}

inline Differences subtract(Sums a, Sums b) { return reinterpret_cast<Differences>(_mm512_subs_epi16(raw(a), raw(b))); }
#else
inline Sums add_products(Sums sum, Sums row, Sums columns) {
  return sum + reinterpret_cast<Sums>(_mm256_maddubs_epi16(raw(row), raw(columns)));
}

using Bits = uint32_t;
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m256i bound = _mm256_set1_epi16(static_cast<int16_t>(limit - 1));
  const __m256i low = _mm256_cmpgt_epi16(raw(left), bound), high = _mm256_cmpgt_epi16(raw(right), bound);
  return static_cast<Bits>(_mm256_movemask_epi8(_mm256_packs_epi16(low, high)));
}

inline Differences subtract(Sums a, Sums b) { return reinterpret_cast<Differences>(_mm256_subs_epi16(raw(a), raw(b))); }
#endif

inline int32_t largest_lane(Differences v) {
#if defined(__AVX512VNNI__)
  return _mm512_reduce_max_epi32(reinterpret_cast<__m512i>(v));
#else
  Start lanes[kLanes];
  __builtin_memcpy(lanes, &v, sizeof(v));
  for (int64_t width = kLanes / 2; width > 0; width /= 2)
    for (int64_t i = 0; i < width; ++i) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
  return lanes[0];
#endif
}

// Widened to 16 bits, once for all columns.
template <int kBlocks>
struct WideRow {
  static __m256i widen(const int8_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  explicit WideRow(const int8_t* x) {
    for (int b = 0; b < kBlocks; ++b) blocks[b] = widen(x + b * kDepthBlock);
  }
  int32_t dot(const int8_t* y) const {
    __m256i sums = _mm256_madd_epi16(blocks[0], widen(y));
    for (int b = 1; b < kBlocks; ++b)
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(blocks[b], widen(y + b * kDepthBlock)));
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1)));
  }
  __m256i blocks[kBlocks];
};

}  // namespace
}  // namespace bcl

#include "simd/byte_tile_sums.h"
