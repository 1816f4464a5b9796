// The sums of a tile on aarch64 by `smmla`, by `sdot`, or by products that are widened to 16 bits.
#pragma once

namespace bcl {
namespace {

#if defined(__ARM_FEATURE_MATMUL_INT8)
constexpr int64_t kTogether = 8;

template <int R>
struct TileSums {
  Sums left[R], right[R];

  inline __attribute__((always_inline)) TileSums(const uint32_t* rows, int64_t rows_ld, const int8_t* tile,
                                                 const int32_t* starts, int64_t depth) {
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      const int32x2_t start = vld1_s32(starts + 2 * c);
#pragma GCC unroll 4
      for (int q = 0; q < kPairs; ++q) sums[q][c] = vcombine_s32(start, start);
    }
    int64_t p = 0;
    for (; p + kTogether <= depth; p += kTogether)
      add_products([=](int r) { return vld1_s8(bytes(rows + r * rows_ld) + p); },
                   [=](int c) { return vld1q_s8(tile + p * kTileColumns + 16 * c); });
    if (p < depth)  // four features are left: zeros take the place of four more
      add_products([=](int r) { return vreinterpret_s8_u64(vcreate_u64(rows[r * rows_ld + p / kFeatures])); },
                   [=](int c) { return widen_words(tile + p * kTileColumns + 8 * c); });
    spread_over_rows();
  }

 private:
  static constexpr int kPairs = (R + 1) / 2;  // of rows; a last one alone is its own partner
  // Of a pair of rows and the columns 2 c and 2 c + 1: first row's, then second row's.
  int32x4_t sums[kPairs][4];

  static const int8_t* bytes(const uint32_t* words) { return reinterpret_cast<const int8_t*>(words); }
  static int8x16_t widen_words(const int8_t* two) {
    return vreinterpretq_s8_u64(vmovl_u32(vreinterpret_u32_s8(vld1_s8(two))));
  }

  template <class Row, class Columns>
  inline __attribute__((always_inline)) void add_products(const Row& row, const Columns& columns) {
    int8x16_t pairs[kPairs];
#pragma GCC unroll 4
    for (int q = 0; q < kPairs; ++q) pairs[q] = vcombine_s8(row(2 * q), row(2 * q + 1 < R ? 2 * q + 1 : 2 * q));
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      const int8x16_t two = columns(c);
#pragma GCC unroll 4
      for (int q = 0; q < kPairs; ++q) sums[q][c] = vmmlaq_s32(sums[q][c], pairs[q], two);
    }
  }

  inline __attribute__((always_inline)) void spread_over_rows() {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      left[r] = of_row(r % 2, sums[r / 2][0], sums[r / 2][1]);
      right[r] = of_row(r % 2, sums[r / 2][2], sums[r / 2][3]);
    }
  }
  static Sums of_row(int second, int32x4_t a, int32x4_t b) {
    const int64x2_t x = vreinterpretq_s64_s32(a), y = vreinterpretq_s64_s32(b);
    return vreinterpretq_s32_s64(second ? vzip2q_s64(x, y) : vzip1q_s64(x, y));
  }
};
#elif defined(__ARM_FEATURE_DOTPROD)
constexpr int64_t kTogether = kFeatures;

template <int R>
struct TileSums {
  Sums left[R], right[R];

  // Four words of a row are loaded at once: `sdot` takes any of them for all its columns.
  inline __attribute__((always_inline)) TileSums(const uint32_t* rows, int64_t rows_ld, const int8_t* tile,
                                                 const int32_t* starts, int64_t depth) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      left[r] = vld1q_s32(starts);
      right[r] = vld1q_s32(starts + kLanes);
    }
    int64_t p = 0;
    for (; p + 4 * kFeatures <= depth; p += 4 * kFeatures) {
      int8x16_t words[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) words[r] = vreinterpretq_s8_u32(vld1q_u32(rows + r * rows_ld + p / kFeatures));
      add_products<0>(words, tile + p * kTileColumns);
      add_products<1>(words, tile + (p + kFeatures) * kTileColumns);
      add_products<2>(words, tile + (p + 2 * kFeatures) * kTileColumns);
      add_products<3>(words, tile + (p + 3 * kFeatures) * kTileColumns);
    }
    for (; p < depth; p += kFeatures) {
      int8x16_t words[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) words[r] = vreinterpretq_s8_u32(vdupq_n_u32(rows[r * rows_ld + p / kFeatures]));
      add_products<0>(words, tile + p * kTileColumns);
    }
  }

 private:
  template <int kWord>
  inline __attribute__((always_inline)) void add_products(const int8x16_t (&words)[R], const int8_t* columns) {
    const int8x16_t column_left = vld1q_s8(columns), column_right = vld1q_s8(columns + kVectorBytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      left[r] = vdotq_laneq_s32(left[r], column_left, words[r], kWord);
      right[r] = vdotq_laneq_s32(right[r], column_right, words[r], kWord);
    }
  }
};
#else
constexpr int64_t kTogether = kFeatures;

template <int R>
struct TileSums {
  Sums left[R], right[R];

  inline __attribute__((always_inline)) TileSums(const uint32_t* rows, int64_t rows_ld, const int8_t* tile,
                                                 const int32_t* starts, int64_t depth) {
    const char* start = reinterpret_cast<const char*>(starts);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      left[r] = load(start);
      right[r] = load(start + kVectorBytes);
    }
    for (int64_t p = 0; p < depth; ++p) {
      const int8x16_t columns = vld1q_s8(tile + p * kTileColumns);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const int8x16_t row = vreinterpretq_s8_u32(vdupq_n_u32(rows[r * rows_ld + p]));
        left[r] = vmlal_s8(left[r], vget_low_s8(row), vget_low_s8(columns));
        right[r] = vmlal_high_s8(right[r], row, columns);
      }
    }
  }
};
#endif

}  // namespace
}  // namespace bcl
