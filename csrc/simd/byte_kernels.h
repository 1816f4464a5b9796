// The inner loops of the screen (screen/leading_screen.h): products of 8-bit integers, modulo 2^16, and what is done
// with the pairs that they leave over. Compiled and chosen per instruction set as kernels.h says.
//
// A 16-bit sum that wraps on its way is right at its end if the end fits into 16 bits, so nothing need be widened: a
// byte times a byte costs an eighth of a float32 product's room. On x86 one factor must be unsigned (the instruction
// wants it); the caller shifts it by a constant per feature and takes the shift's share back in `start`.
#pragma once

#include <cstdint>

namespace bcl {

// Columns of a panel, whatever the instruction set: a row's answers for it are one 64-bit word.
constexpr int64_t kScreenColumns = 64;
// Bytes of a point that keep_near looks at: a multiple of kDepthBlock, at most kMostDirections.
constexpr int64_t kDepthBlock = 16, kMostDirections = 64;

struct ScreenKernels {
  // What a sum of products, with start, may come to, and what the sum of any two may.
  int32_t largest_sum, largest_pair;

  // Whether the bytes of a row are signed, as those of columns always are.
  bool signed_rows;

  // Features that a 32-bit word of a row holds: 1 (four times), 2 (each pair twice) or 4; depth is a multiple of 4.
  int64_t features_per_word;
  void (*pack_row)(const uint8_t* row /* [depth] */, int64_t depth, uint32_t* words /* [depth / features_per_word] */);

  // Columns come in tiles of so many, a divisor of kScreenColumns.
  int64_t tile_columns;

  // Packs `n` columns of `depth` signed bytes and one start value each into n_tiles tiles. Columns beyond n are filled
  // so that no row keeps them.
  void (*pack)(const int8_t* columns /* [n, depth] */, const int32_t* start /* [n] */, int64_t n, int64_t n_tiles,
               int64_t depth, int8_t* tiles /* [n_tiles, depth * tile_columns] */,
               int32_t* packed_starts /* [n_tiles, tile_columns] room */);
  // The start values alone, of whole tiles.
  void (*pack_starts)(const int32_t* start /* [n_tiles, tile_columns] */, int64_t n_tiles,
                      int32_t* packed_starts /* [n_tiles, tile_columns] room */);

  // Writes one feature p of every column of whole tiles anew.
  void (*set_feature)(const int8_t* values /* [n_tiles, tile_columns] */, int64_t n_tiles, int64_t p, int64_t depth,
                      int8_t* tiles);

  // Bit c of masks[r], a row of words, says whether start[c] + rows[r] . column c >= limits[r], at most largest_sum
  // in size. For every pair of features the sum of two products must be at most largest_pair in size, and the whole at
  // most largest_sum.
  void (*select)(const uint32_t* rows /* [m, depth / features_per_word] */, const int32_t* limits /* [m] */, int64_t m,
                 const int8_t* tiles, const int32_t* starts /* as packed */, int64_t n_tiles, int64_t depth,
                 uint64_t* masks /* [m, masks_ld] */, int64_t masks_ld);

  // largest[r] = the largest start[c] + rows[r] . column c - own[c] of all columns c, or more where it is below
  // -largest_sum; largest_sum may stand for more. Bounds as of `select`.
  void (*reach)(const uint32_t* rows /* [m, depth / features_per_word] */, int64_t m, const int8_t* tiles,
                const int32_t* starts, const int32_t* own /* both as packed */, int64_t n_tiles, int64_t depth,
                int32_t* largest /* [m] */);

  // Keeps, in place and in order, the columns c with start[c] + x . rows[c] >= limit; returns how many.
  int64_t (*keep_near)(const int8_t* x /* [depth] */, const int8_t* rows /* [., depth] */, const int32_t* start,
                       int32_t limit, int64_t depth, int32_t* columns, int64_t count);
};

const ScreenKernels& screen_kernels();

}  // namespace bcl
