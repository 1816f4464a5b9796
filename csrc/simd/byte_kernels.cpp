// Compiled once per instruction set with BCL_SIMD naming it (cmake/simd.cmake); only builtins and intrinsics here, for
// the reason given in kernels.cpp.
#include "simd/byte_kernels.h"

#include "simd/width.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bcl {
namespace {

// Sums, one per column and lane. Products of bytes are summed in 16 bits, two features at a time; or, where one
// instruction does it all, in 32 bits, four at a time.
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
constexpr int64_t kLanes = kVectorBytes / kFeatures, kTileColumns = 2 * kLanes;

typedef Start Differences __attribute__((vector_size(kVectorBytes)));
typedef int16_t Signed __attribute__((vector_size(kVectorBytes)));
typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));
typedef Sums Unaligned __attribute__((aligned(1), may_alias));

inline Sums load(const void* p) { return *static_cast<const Unaligned*>(p); }
inline Sums splat(uint32_t word) { return reinterpret_cast<Sums>(Words{} + word); }

// sum + the products of a row's unsigned bytes with each column's signed ones
inline Sums add_products(Sums sum, Sums row, Sums columns) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<Sums>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum), reinterpret_cast<__m512i>(row),
                                                    reinterpret_cast<__m512i>(columns)));
#elif defined(__AVX512BW__)
  return sum + reinterpret_cast<Sums>(
                   _mm512_maddubs_epi16(reinterpret_cast<__m512i>(row), reinterpret_cast<__m512i>(columns)));
#elif defined(__AVX2__)
  return sum + reinterpret_cast<Sums>(
                   _mm256_maddubs_epi16(reinterpret_cast<__m256i>(row), reinterpret_cast<__m256i>(columns)));
#else
  const Sums low = reinterpret_cast<Sums>(reinterpret_cast<Signed>(columns << 8) >> 8);
  const Sums high = reinterpret_cast<Sums>(reinterpret_cast<Signed>(columns) >> 8);
  return sum + (row & 255) * low + (row >> 8) * high;
#endif
}

// Bit c: whether the sum of the tile's column c, taken as a signed number, is at least limit. The instruction that
// joins two vectors takes them by 128-bit parts: `lane` places the columns so that the bits come out in order.
#if defined(__AVX512VNNI__)
using Bits = uint32_t;
constexpr int64_t lane(int64_t column) { return column; }
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m512i bound = _mm512_set1_epi32(limit);
  return _mm512_kunpackw(_mm512_cmpge_epi32_mask(reinterpret_cast<__m512i>(right), bound),
                         _mm512_cmpge_epi32_mask(reinterpret_cast<__m512i>(left), bound));
}
#elif defined(__AVX512BW__)
using Bits = uint64_t;
constexpr int64_t lane(int64_t column) { return column; }
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m512i bound = _mm512_set1_epi16(static_cast<int16_t>(limit));
  return _mm512_kunpackd(_mm512_cmpge_epi16_mask(reinterpret_cast<__m512i>(right), bound),
                         _mm512_cmpge_epi16_mask(reinterpret_cast<__m512i>(left), bound));
}
#elif defined(__AVX2__)
using Bits = uint32_t;
constexpr int64_t lane(int64_t column) {
  const int64_t part = column / 8;  // left: parts 0 and 2, right: 1 and 3
  return part % 2 * kLanes + part / 2 * 8 + column % 8;
}
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  const __m256i bound = _mm256_set1_epi16(static_cast<int16_t>(limit - 1));
  const __m256i low = _mm256_cmpgt_epi16(reinterpret_cast<__m256i>(left), bound);
  const __m256i high = _mm256_cmpgt_epi16(reinterpret_cast<__m256i>(right), bound);
  return static_cast<Bits>(_mm256_movemask_epi8(_mm256_packs_epi16(low, high)));
}
#else
using Bits = uint16_t;
constexpr int64_t lane(int64_t column) { return column; }
inline Bits at_least(Sums left, Sums right, int32_t limit) {
  uint32_t mask = 0;
  for (int64_t c = 0; c < kLanes; ++c) {
    mask |= static_cast<uint32_t>(static_cast<int16_t>(left[c]) >= limit) << c;
    mask |= static_cast<uint32_t>(static_cast<int16_t>(right[c]) >= limit) << (c + kLanes);
  }
  return static_cast<Bits>(mask);
}
#endif
static_assert(8 * sizeof(Bits) == kTileColumns, "a tile's answers fill one word");

void pack_row(const uint8_t* row, int64_t depth, uint32_t* words) {
  for (int64_t p = 0; p < depth; p += kFeatures) {
    uint32_t word = 0;
    for (int64_t byte = 0; byte < 4; ++byte) word |= static_cast<uint32_t>(row[p + byte % kFeatures]) << 8 * byte;
    *words++ = word;
  }
}

// The start values of a tile, and where the products' places are.
void pack_starts_of_tile(const int32_t* start, int64_t n, int32_t* packed_start) {
  for (int64_t c = 0; c < kTileColumns; ++c) {
    const Start packed = static_cast<Start>(c < n ? start[c] : -kLargestSum - 1);
    __builtin_memcpy(reinterpret_cast<char*>(packed_start) + lane(c) * sizeof(Start), &packed, sizeof(Start));
  }
}

void pack_starts(const int32_t* start, int64_t n_tiles, int32_t* packed_starts) {
  for (int64_t first = 0; first < n_tiles * kTileColumns; first += kTileColumns)
    pack_starts_of_tile(start + first, kTileColumns, packed_starts + first);
}

// A tile holds, kFeatures by kFeatures, its columns' bytes: where feature p of column c is.
inline int64_t place(int64_t c, int64_t p) {
  return p / kFeatures * kFeatures * kTileColumns + lane(c) * kFeatures + p % kFeatures;
}

void pack(const int8_t* columns, const int32_t* start, int64_t n, int64_t n_tiles, int64_t depth, int8_t* tiles,
          int32_t* packed_starts) {
  for (int64_t first = 0; first < n_tiles * kTileColumns; first += kTileColumns) {
    const int64_t n_here = n - first;
    pack_starts_of_tile(start + first, n_here, packed_starts + first);
    for (int64_t c = 0; c < kTileColumns; ++c)
      for (int64_t p = 0; p < depth; ++p)
        tiles[first * depth + place(c, p)] = c < n_here ? columns[(first + c) * depth + p] : 0;
  }
}

void set_feature(const int8_t* values, int64_t n_tiles, int64_t p, int64_t depth, int8_t* tiles) {
  for (int64_t first = 0; first < n_tiles * kTileColumns; first += kTileColumns)
    for (int64_t c = 0; c < kTileColumns; ++c) tiles[first * depth + place(c, p)] = values[first + c];
}

// Sums of the products of R rows with a tile's columns.
template <int R>
struct TileSums {
  Sums left[R], right[R];  // in registers, only if every loop over them is unrolled

  inline __attribute__((always_inline)) TileSums(const uint32_t* rows, int64_t rows_ld, const int8_t* tile,
                                                 const int32_t* starts, int64_t depth) {
    const char* start = reinterpret_cast<const char*>(starts);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      left[r] = load(start);
      right[r] = load(start + kVectorBytes);
    }
    for (int64_t p = 0; p < depth / kFeatures; ++p) {
      const Sums column_left = load(tile + p * 2 * kVectorBytes);
      const Sums column_right = load(tile + p * 2 * kVectorBytes + kVectorBytes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Sums row = splat(rows[r * rows_ld + p]);
        left[r] = add_products(left[r], row, column_left);
        right[r] = add_products(right[r], row, column_right);
      }
    }
  }
};

template <int R>
inline void select_tile(const uint32_t* rows, int64_t rows_ld, const int32_t* limits, const int8_t* tile,
                        const int32_t* starts, int64_t depth, uint64_t* masks, int64_t masks_ld, int64_t t) {
  const TileSums<R> sums(rows, rows_ld, tile, starts, depth);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const Bits bits = at_least(sums.left[r], sums.right[r], limits[r]);
    __builtin_memcpy(reinterpret_cast<char*>(masks + r * masks_ld) + t * sizeof(Bits), &bits, sizeof(bits));
  }
}

void select(const uint32_t* rows, const int32_t* limits, int64_t m, const int8_t* tiles, const int32_t* starts,
            int64_t n_tiles, int64_t depth, uint64_t* masks, int64_t masks_ld) {
  const int64_t rows_ld = depth / kFeatures;
  for (int64_t t = 0; t < n_tiles; ++t) {
    const int8_t* const tile = tiles + t * kTileColumns * depth;
    const int32_t* const start = starts + t * kTileColumns;
    int64_t r = 0;
    for (; r + kTileRows <= m; r += kTileRows)
      select_tile<kTileRows>(rows + r * rows_ld, rows_ld, limits + r, tile, start, depth, masks + r * masks_ld,
                             masks_ld, t);
    for (; r < m; ++r)
      select_tile<1>(rows + r * rows_ld, rows_ld, limits + r, tile, start, depth, masks + r * masks_ld, masks_ld, t);
  }
}

// a - b, or where that leaves the range of a sum, the end of the range.
inline Differences subtract(Sums a, Sums b) {
#if defined(__AVX512VNNI__)
  return reinterpret_cast<Differences>(a - b);
#elif defined(__AVX512BW__)
  return reinterpret_cast<Differences>(_mm512_subs_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Differences>(_mm256_subs_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
#else
  const Differences x = reinterpret_cast<Differences>(a), y = reinterpret_cast<Differences>(b);
  const Differences difference = reinterpret_cast<Differences>(a - b);
  const Differences end = (x >> 15) ^ INT16_MAX;
  return ((x ^ y) & (x ^ difference)) < 0 ? end : difference;
#endif
}

inline Differences larger(Differences a, Differences b) { return a > b ? a : b; }

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

template <int R>
inline void reach_of_rows(const uint32_t* rows, int64_t rows_ld, const int8_t* tiles, const int32_t* starts,
                          const int32_t* own, int64_t n_tiles, int64_t depth, int32_t* largest) {
  Differences best[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) best[r] = Differences{} + static_cast<Start>(-kLargestSum - 1);
  for (int64_t t = 0; t < n_tiles; ++t) {
    const int64_t first = t * kTileColumns;
    const TileSums<R> sums(rows, rows_ld, tiles + first * depth, starts + first, depth);
    const char* const subtrahend = reinterpret_cast<const char*>(own + first);
    const Sums left = load(subtrahend), right = load(subtrahend + kVectorBytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      best[r] = larger(best[r], larger(subtract(sums.left[r], left), subtract(sums.right[r], right)));
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) largest[r] = largest_lane(best[r]);
}

void reach(const uint32_t* rows, int64_t m, const int8_t* tiles, const int32_t* starts, const int32_t* own,
           int64_t n_tiles, int64_t depth, int32_t* largest) {
  const int64_t rows_ld = depth / kFeatures;
  int64_t r = 0;
  for (; r + kTileRows <= m; r += kTileRows)
    reach_of_rows<kTileRows>(rows + r * rows_ld, rows_ld, tiles, starts, own, n_tiles, depth, largest + r);
  for (; r < m; ++r) reach_of_rows<1>(rows + r * rows_ld, rows_ld, tiles, starts, own, n_tiles, depth, largest + r);
}

// A row of bytes widened to 16 bits, kBlocks blocks of kDepthBlock, so that it is widened once for all columns.
template <int kBlocks>
struct WideRow {
#if defined(__AVX2__)
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
#else
  explicit WideRow(const int8_t* x) : x(x) {}
  int32_t dot(const int8_t* y) const {
    int32_t total = 0;
    for (int64_t p = 0; p < kBlocks * kDepthBlock; ++p) total += x[p] * y[p];
    return total;
  }
  const int8_t* x;
#endif
};

template <int kBlocks>
int64_t keep_near_blocks(const int8_t* x, const int8_t* rows, const int32_t* start, int32_t limit, int32_t* columns,
                         int64_t count) {
  const WideRow<kBlocks> row(x);
  int64_t kept = 0;
  for (int64_t t = 0; t < count; ++t) {
    const int64_t c = columns[t];
    columns[kept] = static_cast<int32_t>(c);
    kept += start[c] + row.dot(rows + c * (kBlocks * kDepthBlock)) >= limit;
  }
  return kept;
}

int64_t keep_near(const int8_t* x, const int8_t* rows, const int32_t* start, int32_t limit, int64_t depth,
                  int32_t* columns, int64_t count) {
  switch (depth / kDepthBlock) {
    case 1:
      return keep_near_blocks<1>(x, rows, start, limit, columns, count);
    case 2:
      return keep_near_blocks<2>(x, rows, start, limit, columns, count);
    case 3:
      return keep_near_blocks<3>(x, rows, start, limit, columns, count);
    default:
      return keep_near_blocks<4>(x, rows, start, limit, columns, count);
  }
}

}  // namespace

namespace BCL_SIMD {
extern const ScreenKernels kScreen;
constexpr ScreenKernels kScreen = {kLargestSum, kLargestPair, kFeatures, pack_row, kTileColumns, pack,
                                   pack_starts, set_feature,  select,    reach,    keep_near};
}  // namespace BCL_SIMD

}  // namespace bcl
