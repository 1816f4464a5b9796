// The CUDA engine: walk tiles of inner products, keep a little of each tile, store none. What is done with a tile is
// the *epilogue*, as on the CPU (distance/tiles.h).
//
// A block owns kRows rows x and walks tiles of kColumns columns y. Slabs of kDepth features of both are copied to
// shared memory, the next while the present one is multiplied. float32 is multiplied on tensor cores: with kTerms == 3
// each number is split in two TF32 numbers, to within 2^-21 |x||y| of float32; with kTerms == 1 it is rounded to one,
// to within 2^-10 |x||y|. float64 takes plain multiply-adds.
#pragma once

#include "cuda/block.cuh"
#include "cuda/tf32.cuh"

namespace bcl::cuda {

template <class T>
struct Matrix {
  const T* values;  // [n, d]
  int64_t n;
  int d;
};

// Whether rows may be copied 16 bytes at a time.
template <class T>
bool is_aligned(const T* values, int64_t d) {
  return reinterpret_cast<uintptr_t>(values) % 16 == 0 && d * sizeof(T) % 16 == 0;
}

// kWarpRows x kWarpColumns warps, each with kTilesM x kTilesN products of 16 x 8.
template <class Block, class T, int kTerms, int kWarpRows, int kWarpColumns, int kTilesM, int kTilesN>
struct DistanceTile {
  static_assert(kWarpRows * kWarpColumns == kWarps && (kTerms == 1 || kTerms == 3));
  static constexpr int kRows = kWarpRows * kTilesM * 16, kColumns = kWarpColumns * kTilesN * 8;
  static constexpr int kWarpsAlongColumns = kWarpColumns, kSlots = 2 * kTilesM, kNTiles = kTilesN;
  static constexpr int kVector = 16 / sizeof(T), kDepth = 4 * kVector;
  static constexpr int kStride = kDepth + kVector;  // 20 words: the lanes of a fragment fall into different banks

  // Two slabs: one is multiplied while the other arrives.
  struct Shared {
    typename Block::template Array<T, 2 * kRows * kStride> rows;
    typename Block::template Array<T, 2 * kColumns * kStride> columns;
  };

  // A thread's part of a tile of x . y: element (m, n).v[i] stands in row(t, 2 m + i / 2) and column(t, n, i % 2).
  struct Products {
    Values<T, 4> at[kTilesM][kTilesN];
  };
  template <class V>
  using PerThread = typename Block::template PerThread<V>;

  static BCL_DEVICE int warp_row(int t) { return t / kWarp / kWarpColumns * kTilesM * 16; }
  static BCL_DEVICE int warp_column(int t) { return t / kWarp % kWarpColumns * kTilesN * 8; }
  // The rows that a thread has products in, by slot.
  static BCL_DEVICE int row(int t, int slot) {
    return warp_row(t) + slot / 2 * 16 + Fragment::c_row(t % kWarp, slot % 2 * 2);
  }
  static BCL_DEVICE int column(int t, int n, int i) {
    return warp_column(t) + n * 8 + Fragment::c_column(t % kWarp, i);
  }

  // Calls epilogue(products, tile) for n_tiles tiles of columns, each from first_column(tile) on. Rows and columns
  // beyond the matrices are zeros. All threads have left the last epilogue when it returns.
  template <class FirstColumn, class Epilogue>
  static BCL_DEVICE void walk(Block& block, Shared& shared, const Matrix<T>& rows, int64_t first_row,
                              const Matrix<T>& columns, int n_tiles, FirstColumn&& first_column, bool aligned,
                              Epilogue&& epilogue) {
    PerThread<Products> products;
    const int n_slabs = (rows.d + kDepth - 1) / kDepth;
    const auto stage = [&](int tile, int slab, int buffer) {
      block.each([&](int t) {
        const int depth = slab * kDepth;
        copy_slab<kRows>(block, shared.rows, buffer, rows, first_row, depth, aligned, t);
        copy_slab<kColumns>(block, shared.columns, buffer, columns, first_column(tile), depth, aligned, t);
      });
    };
    stage(0, 0, 0);
    block.commit_copies();
    int buffer = 0, next_tile = 0, next_slab = 0;
    for (int tile = 0; tile < n_tiles; ++tile) {
      block.each([&](int t) { clear(products[t]); });
      for (int slab = 0; slab < n_slabs; ++slab) {
        if (++next_slab == n_slabs) {
          next_slab = 0;
          ++next_tile;
        }
        if (next_tile < n_tiles) stage(next_tile, next_slab, 1 - buffer);
        block.commit_copies();
        block.template wait_copies<1>();
        block.sync();
        accumulate(block, shared, buffer, products);
        if (slab == n_slabs - 1) epilogue(products, tile);
        block.sync();
        buffer = 1 - buffer;
      }
    }
  }

  // Four lanes have products of the same rows: gives each, slot by slot, join(one, another) of what all have.
  template <class V, class Join>
  static BCL_DEVICE void join_lanes(Block& block, PerThread<Values<V, kSlots>>& values, Join&& join) {
    for (int mask = 1; mask < 4; mask *= 2) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s)
        block.exchange(
            mask, [&](int t) { return values[t].v[s]; },
            [&](int t, V received) { values[t].v[s] = join(values[t].v[s], received); });
    }
  }

 private:
  static BCL_DEVICE void clear(Products& products) {
    BCL_UNROLL
    for (int m = 0; m < kTilesM; ++m) {
      BCL_UNROLL
      for (int n = 0; n < kTilesN; ++n) products.at[m][n] = {};
    }
  }

  template <int kCount, class Array>
  static BCL_DEVICE void copy_slab(Block& block, Array& slabs, int buffer, const Matrix<T>& matrix, int64_t first,
                                   int depth, bool aligned, int t) {
    if (aligned) {
      copy_slab_by<kVector, kCount>(block, slabs, buffer, matrix, first, depth, t);
    } else {
      copy_slab_by<1, kCount>(block, slabs, buffer, matrix, first, depth, t);
    }
  }

  template <int kStep, int kCount, class Array>
  static BCL_DEVICE void copy_slab_by(Block& block, Array& slabs, int buffer, const Matrix<T>& matrix, int64_t first,
                                      int depth, int t) {
    constexpr int kPieces = kDepth / kStep;
    BCL_UNROLL
    for (int piece = t; piece < kCount * kPieces; piece += kThreads) {
      const int r = piece / kPieces, p = piece % kPieces * kStep;
      const bool inside = first + r < matrix.n && depth + p < matrix.d;
      const T* const source = inside ? matrix.values + (first + r) * matrix.d + depth + p : matrix.values;
      block.template copy_async<kStep>(slabs, (buffer * kCount + r) * kStride + p, source, inside ? kStep : 0);
    }
  }

  struct Operands {
    Values<T, 4> rows[kTilesM], small_rows[kTilesM];
    Values<T, 2> columns[kTilesN], small_columns[kTilesN];
  };

  static BCL_DEVICE void accumulate(Block& block, Shared& shared, int buffer, PerThread<Products>& products) {
    if constexpr (sizeof(T) == sizeof(float)) {
      BCL_UNROLL
      for (int depth = 0; depth < kDepth; depth += 8) {
        PerThread<Operands> operands;
        block.each([&](int t) { load(shared, buffer, depth, t, operands[t]); });
        const auto row = [&](int m) { return [&operands, m](int t) -> auto& { return operands[t].rows[m]; }; };
        const auto column = [&](int n) { return [&operands, n](int t) -> auto& { return operands[t].columns[n]; }; };
        if constexpr (kTerms == 3) {  // the small terms first
          const auto small_row = [&](int m) {
            return [&operands, m](int t) -> auto& { return operands[t].small_rows[m]; };
          };
          const auto small_column = [&](int n) {
            return [&operands, n](int t) -> auto& { return operands[t].small_columns[n]; };
          };
          multiply_all(block, products, small_row, column);
          multiply_all(block, products, row, small_column);
        }
        multiply_all(block, products, row, column);
      }
    } else {
      block.each([&](int t) { multiply_add(shared, buffer, t, products[t]); });
    }
  }

  // One term of all products at a time: the next product into the same sum is many instructions away.
  template <class Row, class Column>
  static BCL_DEVICE void multiply_all(Block& block, PerThread<Products>& products, const Row& row,
                                      const Column& column) {
    BCL_UNROLL
    for (int m = 0; m < kTilesM; ++m) {
      BCL_UNROLL
      for (int n = 0; n < kTilesN; ++n)
        block.multiply([&](int t) -> auto& { return products[t].at[m][n]; }, row(m), column(n));
    }
  }

  static BCL_DEVICE void load(Shared& shared, int buffer, int depth, int t, Operands& operands) {
    const int lane = t % kWarp;
    BCL_UNROLL
    for (int m = 0; m < kTilesM; ++m) {
      Values<T, 4> x;
      BCL_UNROLL
      for (int i = 0; i < 4; ++i) {
        const int r = buffer * kRows + warp_row(t) + 16 * m + Fragment::a_row(lane, i);
        x.v[i] = shared.rows[r * kStride + depth + Fragment::a_depth(lane, i)];
      }
      split_tf32(x, operands.rows[m], operands.small_rows[m]);
    }
    BCL_UNROLL
    for (int n = 0; n < kTilesN; ++n) {
      Values<T, 2> y;
      BCL_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int c = buffer * kColumns + warp_column(t) + 8 * n + Fragment::b_column(lane);
        y.v[i] = shared.columns[c * kStride + depth + Fragment::b_depth(lane, i)];
      }
      split_tf32(y, operands.columns[n], operands.small_columns[n]);
    }
  }

  static BCL_DEVICE void multiply_add(Shared& shared, int buffer, int t, Products& products) {
    for (int depth = 0; depth < kDepth; ++depth) {
      BCL_UNROLL
      for (int m = 0; m < kTilesM; ++m) {
        BCL_UNROLL
        for (int n = 0; n < kTilesN; ++n) {
          BCL_UNROLL
          for (int i = 0; i < 4; ++i) {
            const T x = shared.rows[(buffer * kRows + row(t, 2 * m + i / 2)) * kStride + depth];
            const T y = shared.columns[(buffer * kColumns + column(t, n, i % 2)) * kStride + depth];
            products.at[m][n].v[i] += x * y;
          }
        }
      }
    }
  }
};

}  // namespace bcl::cuda
