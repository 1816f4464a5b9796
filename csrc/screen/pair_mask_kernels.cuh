// The pairs of a chunk of rows that may lie within tau, on CUDA: one bit per pair from a tile walk, then count, scan
// and fill. A row's columns come out ascending, and so they are the same on every run.
//
// The products are of TF32 numbers, on tensor cores, at a third of the cost of float32 precision: this is a screen,
// which rejects only what a rigorous bound allows (device_screen.h); what is left is evaluated in float64 on the CPU.
#pragma once

#include "cuda/tiles.cuh"

namespace bcl::cuda {

struct PairMaskArrays {
  const float* points;  // [n, d]
  const float* starts;  // [n]
  int64_t n;
  int d;
  bool aligned;
  // The pair i < j passes if points[i] . points[j] + starts[j] >= -starts[i] - half_tau.
  float half_tau;
  int64_t first_row, n_rows;  // the chunk
  int64_t first_column;       // of the mask: at most first_row
  int64_t n_words;            // of a row of the mask, 32 columns each
  uint32_t* mask;             // [n_rows, n_words]
  int32_t* counts;            // [n_rows]
  int64_t* offsets;           // [n_rows + 1]
  int32_t* columns;           // [offsets[n_rows]]
};

template <class Block>
using ScreenTile = DistanceTile<Block, float, 1, 2, 4, 4, 4>;  // 128 x 128

// Columns of the mask come in whole tiles.
constexpr int64_t kMaskTile = 128, kWordBits = 32;

inline PairMaskArrays make_pair_arrays(const float* points, const float* starts, int64_t n, int64_t d) {
  PairMaskArrays a{};
  a.points = points;
  a.starts = starts;
  a.n = n;
  a.d = static_cast<int>(d);
  a.aligned = is_aligned(points, d);
  return a;
}
inline void place_chunk(PairMaskArrays& a, uint32_t* mask, int32_t* counts, int64_t* offsets) {
  a.mask = mask;
  a.counts = counts;
  a.offsets = offsets;
}

// Fills in what follows from the chunk. n_words never exceeds mask_words(n).
inline int64_t mask_words(int64_t n) { return (n + kMaskTile - 1) / kMaskTile * (kMaskTile / kWordBits); }
inline void set_chunk(PairMaskArrays& a, int64_t first_row, int64_t n_rows) {
  a.first_row = first_row;
  a.n_rows = n_rows;
  a.first_column = first_row / kMaskTile * kMaskTile;
  a.n_words = mask_words(a.n - a.first_column);
}

template <class Block>
struct MaskKernel {
  using Tile = ScreenTile<Block>;
  static_assert(Tile::kColumns == kMaskTile && Tile::kNTiles * 8 == kWordBits);
  static constexpr int kTilesPerBlock = 8, kSlots = Tile::kSlots;
  template <class V>
  using PerThread = typename Block::template PerThread<V>;
  struct Shared {
    typename Tile::Shared tile;
  };

  static BCL_DEVICE int64_t tiles(const PairMaskArrays& a) { return a.n_words / (kMaskTile / kWordBits); }
  static BCL_DEVICE int64_t runs(const PairMaskArrays& a) { return (tiles(a) + kTilesPerBlock - 1) / kTilesPerBlock; }
  static int64_t grid(const PairMaskArrays& a) { return (a.n_rows + Tile::kRows - 1) / Tile::kRows * runs(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const PairMaskArrays& a) {
    const int64_t first = block.index() / runs(a) * Tile::kRows;  // in the chunk
    const int64_t first_tile = block.index() % runs(a) * kTilesPerBlock, rest = tiles(a) - first_tile;
    const int n_tiles = static_cast<int>(rest < kTilesPerBlock ? rest : kTilesPerBlock);
    PerThread<Values<float, kSlots>> limits;
    block.each([&](int t) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        const int64_t i = first + Tile::row(t, s);
        limits[t].v[s] = i < a.n_rows ? -a.starts[a.first_row + i] - a.half_tau : kInfinity<float>;
      }
    });
    const Matrix<float> rows{a.points, a.first_row + a.n_rows, a.d}, columns{a.points, a.n, a.d};
    Tile::walk(block, shared.tile, rows, a.first_row + first, columns, a.first_column + first_tile * kMaskTile, n_tiles,
               a.aligned, [&](auto& products, int64_t first_column) {
                 write_mask(block, a, products, limits, first, first_column);
               });
  }

 private:
  // A warp has 32 columns of each of its rows: one word. Four lanes hold its bits.
  template <class Products>
  static BCL_DEVICE void write_mask(Block& block, const PairMaskArrays& a, Products& products,
                                    PerThread<Values<float, kSlots>>& limits, int64_t first, int64_t first_column) {
    PerThread<Values<uint32_t, kSlots>> bits;
    block.each([&](int t) { compare(a, products[t], limits[t], first, first_column, t, bits[t]); });
    for (int mask = 1; mask < 4; mask *= 2) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s)
        block.exchange(
            mask, [&](int t) { return bits[t].v[s]; }, [&](int t, uint32_t received) { bits[t].v[s] |= received; });
    }
    block.each([&](int t) {
      const int64_t word = (first_column - a.first_column + Tile::warp_column(t)) / kWordBits;
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        const int64_t i = first + Tile::row(t, s);
        if (s % 4 == t % 4 && i < a.n_rows) a.mask[i * a.n_words + word] = bits[t].v[s];
      }
    });
  }

  static BCL_DEVICE void compare(const PairMaskArrays& a, const typename Tile::Products& products,
                                 const Values<float, kSlots>& limits, int64_t first, int64_t first_column, int t,
                                 Values<uint32_t, kSlots>& bits) {
    bits = {};
    // Fewer than 2^31 points: 32 bits spare registers.
    const int32_t i_first = static_cast<int32_t>(a.first_row + first), n_points = static_cast<int32_t>(a.n);
    BCL_UNROLL
    for (int n = 0; n < Tile::kNTiles; ++n) {
      BCL_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int32_t j = static_cast<int32_t>(first_column) + Tile::column(t, n, i);
        const float start = j < n_points ? a.starts[j] : -kInfinity<float>;
        BCL_UNROLL
        for (int s = 0; s < kSlots; ++s) {
          const float score = products.at[s / 2][n].v[s % 2 * 2 + i] + start;
          const bool passes = score >= limits.v[s] && j > i_first + Tile::row(t, s);
          bits.v[s] |= static_cast<uint32_t>(passes) << (Tile::column(t, n, i) - Tile::warp_column(t));
        }
      }
    }
  }
};

// A warp per row.
template <class Block>
struct CountKernel {
  struct Shared {};
  static int64_t grid(const PairMaskArrays& a) { return (a.n_rows + kWarps - 1) / kWarps; }

  static BCL_DEVICE void run(Block& block, Shared&, const PairMaskArrays& a) {
    typename Block::template PerThread<int32_t> count;
    block.each([&](int t) {
      const int64_t i = block.index() * kWarps + t / kWarp;
      count[t] = 0;
      if (i >= a.n_rows) return;
      for (int64_t word = t % kWarp; word < a.n_words; word += kWarp)
        count[t] += count_bits(a.mask[i * a.n_words + word]);
    });
    block.warp_sum([&](int t) -> int32_t& { return count[t]; });
    block.each([&](int t) {
      const int64_t i = block.index() * kWarps + t / kWarp;
      if (t % kWarp == 0 && i < a.n_rows) a.counts[i] = count[t];
    });
  }
};

// One block; a thread sums and then numbers a run of rows.
template <class Block>
struct ScanKernel {
  struct Shared {
    typename Block::template Array<int64_t, kThreads> sums;
  };
  static int64_t grid(const PairMaskArrays&) { return 1; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const PairMaskArrays& a) {
    const auto first_of = [&](int t) { return t * a.n_rows / kThreads; };
    block.each([&](int t) {
      int64_t sum = 0;
      for (int64_t i = first_of(t); i < first_of(t + 1); ++i) sum += a.counts[i];
      shared.sums[t] = sum;
    });
    block.sync();
    block.each([&](int t) {
      int64_t offset = 0;
      for (int before = 0; before < t; ++before) offset += shared.sums[before];
      for (int64_t i = first_of(t); i < first_of(t + 1); ++i) {
        a.offsets[i] = offset;
        offset += a.counts[i];
      }
      if (t == kThreads - 1) a.offsets[a.n_rows] = offset;
    });
  }
};

// A warp per row, a lane per word.
template <class Block>
struct FillKernel {
  struct Shared {};
  static int64_t grid(const PairMaskArrays& a) { return CountKernel<Block>::grid(a); }

  static BCL_DEVICE void run(Block& block, Shared&, const PairMaskArrays& a) {
    typename Block::template PerThread<uint32_t> bits;
    typename Block::template PerThread<int32_t> count;
    typename Block::template PerThread<int64_t> next;
    block.each([&](int t) {
      const int64_t i = block.index() * kWarps + t / kWarp;
      next[t] = i < a.n_rows ? a.offsets[i] : 0;
    });
    for (int64_t first = 0; first < a.n_words; first += kWarp) {
      block.each([&](int t) {
        const int64_t i = block.index() * kWarps + t / kWarp, word = first + t % kWarp;
        bits[t] = i < a.n_rows && word < a.n_words ? a.mask[i * a.n_words + word] : 0;
        count[t] = count_bits(bits[t]);
      });
      auto before = block.warp_prefix([&](int t) { return count[t]; });
      block.each([&](int t) {
        int64_t place = next[t] + before[t];
        const int64_t column = a.first_column + (first + t % kWarp) * kWordBits;
        for (uint32_t rest = bits[t]; rest != 0; rest &= rest - 1)
          a.columns[place++] = static_cast<int32_t>(column + count_bits((rest & (0 - rest)) - 1));
      });
      block.warp_sum([&](int t) -> int32_t& { return count[t]; });
      block.each([&](int t) { next[t] += count[t]; });
    }
  }
};

}  // namespace bcl::cuda
