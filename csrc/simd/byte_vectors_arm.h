// simd/byte_vectors.h with NEON, which every aarch64 has, and with what newer ones have: `sdot`, four products and
// their sum in a 32-bit lane, and `smmla` (of i8mm), which does two rows and two columns, eight features at a time:
// twice the products of `sdot` an instruction. All of them multiply two signed bytes, so rows are signed.
#pragma once

#include <arm_neon.h>

namespace bcl {
namespace {

constexpr bool kSignedRows = true;
#if defined(__ARM_FEATURE_DOTPROD)
constexpr int64_t kFeatures = 4;
constexpr int32_t kLargestSum = 1 << 20;
typedef int32_t Start;
using Bits = uint8_t;
#else
constexpr int64_t kFeatures = 1;
constexpr int32_t kLargestSum = INT16_MAX;
typedef int16_t Start;  // modulo 2^16
using Bits = uint16_t;
#endif
constexpr int32_t kLargestPair = 1 << 20;  // products are added one by one
constexpr int64_t kLanes = kVectorBytes / sizeof(Start), kTileColumns = 2 * kLanes;

typedef Start Sums __attribute__((vector_size(kVectorBytes)));
typedef Sums Differences;
typedef Sums Unaligned __attribute__((aligned(1), may_alias));

inline Sums load(const void* p) { return *static_cast<const Unaligned*>(p); }
constexpr int64_t lane(int64_t column) { return column; }

#if defined(__ARM_FEATURE_DOTPROD)
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const int32x4_t bound = vdupq_n_s32(limit);
  const uint16x8_t hits = vuzp1q_u16(vreinterpretq_u16_u32(vcgeq_s32(left, bound)),  //
                                     vreinterpretq_u16_u32(vcgeq_s32(right, bound)));
  const uint16x8_t bits = {1, 2, 4, 8, 16, 32, 64, 128};
  return static_cast<Bits>(vaddvq_u16(vandq_u16(hits, bits)));
}

inline Differences subtract(Sums a, Sums b) { return vsubq_s32(a, b); }
inline Differences larger(Differences a, Differences b) { return vmaxq_s32(a, b); }
inline int32_t largest_lane(Differences v) { return vmaxvq_s32(v); }
#else
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const int16x8_t bound = vdupq_n_s16(static_cast<int16_t>(limit));
  const uint8x16_t hits = vuzp1q_u8(vreinterpretq_u8_u16(vcgeq_s16(left, bound)),  //
                                    vreinterpretq_u8_u16(vcgeq_s16(right, bound)));
  const uint8x16_t bits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t set = vandq_u8(hits, bits);
  return static_cast<Bits>(vaddv_u8(vget_low_u8(set)) | vaddv_u8(vget_high_u8(set)) << 8);
}

inline Differences subtract(Sums a, Sums b) { return vqsubq_s16(a, b); }
inline Differences larger(Differences a, Differences b) { return vmaxq_s16(a, b); }
inline int32_t largest_lane(Differences v) { return vmaxvq_s16(v); }
#endif

template <int kBlocks>
struct WideRow {
  explicit WideRow(const int8_t* x) {
    for (int b = 0; b < kBlocks; ++b) blocks[b] = vld1q_s8(x + b * kDepthBlock);
  }
  int32_t dot(const int8_t* y) const {
    int32x4_t sums = vdupq_n_s32(0);
    for (int b = 0; b < kBlocks; ++b) sums = add_products(sums, blocks[b], vld1q_s8(y + b * kDepthBlock));
    return vaddvq_s32(sums);
  }
  static int32x4_t add_products(int32x4_t sums, int8x16_t x, int8x16_t y) {
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sums, x, y);
#else
    return vpadalq_s16(vpadalq_s16(sums, vmull_s8(vget_low_s8(x), vget_low_s8(y))), vmull_high_s8(x, y));
#endif
  }
  int8x16_t blocks[kBlocks];
};

}  // namespace
}  // namespace bcl

#include "simd/byte_tile_sums_arm.h"
