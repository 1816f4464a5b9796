// The inner loops of the screen (screen/leading_screen.h): products of 8-bit integers, modulo 2^16, and what is done
// with the pairs that they leave over. Compiled and chosen per instruction set as kernels.h says.
//
// A 16-bit sum that wraps on its way is right at its end if the end fits into 16 bits, so nothing need be widened: a
// byte times a byte costs an eighth of a float32 product's room. One factor must be unsigned (the instruction wants
// it); the caller shifts it by a constant per feature and takes the shift's share back in `start`.
#pragma once

#include <cstdint>

namespace bcl {

// Columns of a panel, whatever the instruction set: a row's answers for it are one 64-bit word.
constexpr int64_t kScreenColumns = 64;
// Bytes of a point that keep_near looks at: a multiple of kDepthBlock, at most kMostDirections.
constexpr int64_t kDepthBlock = 16, kMostDirections = 64;

struct ScreenKernels {
  // Features that a 32-bit word of a row holds: 2 (each pair twice) or 4; depth is a multiple of 4.
  int64_t features_per_word;
  void (*pack_row)(const uint8_t* row /* [depth] */, int64_t depth, uint32_t* words /* [depth / features_per_word] */);

  // Packs `n` columns (<= kScreenColumns) of `depth` signed bytes and one start value each. Columns beyond n are filled
  // so that no row keeps them.
  void (*pack)(const int8_t* columns /* [n, depth] */, const int32_t* start /* [n] */, int64_t n, int64_t depth,
               int8_t* panel /* [depth * kScreenColumns] */, int32_t* packed_start /* [kScreenColumns] room */);

  // Bit c of masks[r, j] says whether start[c] + rows[r] . column c of panel j >= limits[r], limits[r] > -32768. For
  // every pair of features the sum of two products must lie within 16 bits, and so must the whole.
  void (*select)(const uint32_t* rows /* [m, depth / features_per_word] */, const int16_t* limits /* [m] */, int64_t m,
                 const int8_t* panels /* [n_panels, depth * kScreenColumns] */,
                 const int32_t* starts /* [n_panels, kScreenColumns] as packed */, int64_t n_panels, int64_t depth,
                 uint64_t* masks /* [m, masks_ld] */, int64_t masks_ld);

  // Keeps, in place and in order, the columns c with start[c] + x . rows[c] >= limit; returns how many.
  int64_t (*keep_near)(const int8_t* x /* [depth] */, const int8_t* rows /* [., depth] */, const int32_t* start,
                       int32_t limit, int64_t depth, int32_t* columns, int64_t count);
};

const ScreenKernels& screen_kernels();

}  // namespace bcl
