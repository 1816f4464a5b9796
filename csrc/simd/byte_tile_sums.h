// The sums of a tile where a vector of a row is one of its words, over and over: `splat` and `add_products` are the
// instruction set's.
#pragma once

namespace bcl {
namespace {

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

}  // namespace
}  // namespace bcl
