// simd/byte_vectors.h in the compiler's vectors alone, for any processor. Products are summed in 16 bits, two features
// at a time.
#pragma once

namespace bcl {
namespace {

constexpr bool kSignedRows = false;
constexpr int64_t kFeatures = 2, kTogether = kFeatures;
constexpr int32_t kLargestSum = INT16_MAX, kLargestPair = INT16_MAX;
typedef int16_t Start;  // modulo 2^16
typedef uint16_t Sums __attribute__((vector_size(kVectorBytes)));
typedef int16_t Differences __attribute__((vector_size(kVectorBytes)));
constexpr int64_t kLanes = kVectorBytes / sizeof(Start), kTileColumns = 2 * kLanes;

typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));
typedef Sums Unaligned __attribute__((aligned(1), may_alias));

inline Sums load(const void* p) { return *static_cast<const Unaligned*>(p); }
inline Sums splat(uint32_t word) { return reinterpret_cast<Sums>(Words{} + word); }
inline Differences as_signed(Sums sums) { return reinterpret_cast<Differences>(sums); }

constexpr int64_t lane(int64_t column) { return column; }

// sum + the products of a row's unsigned bytes with each column's signed ones
inline Sums add_products(Sums sum, Sums row, Sums columns) {
  const Sums low = reinterpret_cast<Sums>(as_signed(columns << 8) >> 8);
  const Sums high = reinterpret_cast<Sums>(as_signed(columns) >> 8);
  return sum + (row & 255) * low + (row >> 8) * high;
}

using Bits = uint16_t;
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  uint32_t mask = 0;
  for (int64_t c = 0; c < kLanes; ++c) {
    mask |= static_cast<uint32_t>(static_cast<int16_t>(left[c]) >= limit) << c;
    mask |= static_cast<uint32_t>(static_cast<int16_t>(right[c]) >= limit) << (c + kLanes);
  }
  return static_cast<Bits>(mask);
}

inline Differences subtract(Sums a, Sums b) {
  const Differences x = as_signed(a), y = as_signed(b), difference = as_signed(a - b);
  const Differences end = (x >> 15) ^ INT16_MAX;
  return ((x ^ y) & (x ^ difference)) < 0 ? end : difference;
}

inline Differences larger(Differences a, Differences b) { return a > b ? a : b; }

inline int32_t largest_lane(Differences v) {
  Start largest = v[0];
  for (int64_t i = 1; i < kLanes; ++i) largest = v[i] > largest ? v[i] : largest;
  return largest;
}

template <int kBlocks>
struct WideRow {
  explicit WideRow(const int8_t* x) : x(x) {}
  int32_t dot(const int8_t* y) const {
    int32_t total = 0;
    for (int64_t p = 0; p < kBlocks * kDepthBlock; ++p) total += x[p] * y[p];
    return total;
  }
  const int8_t* x;
};

}  // namespace
}  // namespace bcl

#include "simd/byte_tile_sums.h"
