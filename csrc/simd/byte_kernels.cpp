// Compiled once per instruction set with BCL_SIMD naming it (csrc/CMakeLists.txt); only builtins and intrinsics here,
// for the reason given in kernels.cpp.
#include "simd/byte_kernels.h"

#include "simd/byte_vectors.h"

namespace bcl {
namespace {

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

// A tile holds, kTogether by kTogether (and what is left of the depth then), its columns' bytes: where feature p of
// column c is.
inline int64_t place(int64_t c, int64_t p, int64_t depth) {
  const int64_t first = p / kTogether * kTogether, width = kTogether < depth - first ? kTogether : depth - first;
  return first * kTileColumns + lane(c) * width + p - first;
}

void pack(const int8_t* columns, const int32_t* start, int64_t n, int64_t n_tiles, int64_t depth, int8_t* tiles,
          int32_t* packed_starts) {
  for (int64_t first = 0; first < n_tiles * kTileColumns; first += kTileColumns) {
    const int64_t n_here = n - first;
    pack_starts_of_tile(start + first, n_here, packed_starts + first);
    for (int64_t c = 0; c < kTileColumns; ++c)
      for (int64_t p = 0; p < depth; ++p)
        tiles[first * depth + place(c, p, depth)] = c < n_here ? columns[(first + c) * depth + p] : 0;
  }
}

void set_feature(const int8_t* values, int64_t n_tiles, int64_t p, int64_t depth, int8_t* tiles) {
  for (int64_t first = 0; first < n_tiles * kTileColumns; first += kTileColumns)
    for (int64_t c = 0; c < kTileColumns; ++c) tiles[first * depth + place(c, p, depth)] = values[first + c];
}

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
constexpr ScreenKernels kScreen = {kLargestSum, kLargestPair, kSignedRows, kFeatures, pack_row, kTileColumns,
                                   pack,        pack_starts,  set_feature, select,    reach,    keep_near};
}  // namespace BCL_SIMD

}  // namespace bcl
