// Which pairs of tiles of points may hold a pair within a distance, on CUDA: the bound of block_screen.h for whole
// tiles.
//
// Let w = c_B - c_A for the centres of the tiles A and B, h_AB the largest x . c_B - x . c_A of the points x of A, and
// h_BA that of B toward A. Then (y - x) . w >= -(h_AB + h_BA) for all x of A and y of B, and their distance is at least
// -(h_AB + h_BA) / |w|. Any vectors may be centres; what TF32 and float32 round is in the bound.
#pragma once

#include <cmath>
#include <type_traits>

#include "cuda/tiles.cuh"
#include "screen/pair_mask_kernels.cuh"

namespace bcl::cuda {

struct TileBoundArrays {
  TiledPoints given;  // of the device
  bool aligned;
  int64_t first_tile, n_rows;  // the tiles A
  int64_t n_words;             // near_words(n_tiles)
  float tau;
  // Of the tiles from first_tile on, B: how far A reaches toward B, and B toward A.
  float* from_rows;  // [n_rows, n_tiles - first_tile]
  float* to_rows;
  uint32_t* near;  // [n_rows, n_words]
};

struct FromRows {};
struct ToRows {};

// FromRows: of the rows' points toward the centres of the others; ToRows: of the others' points toward the rows'
// centres. Centres are the rows of the products, points their columns.
template <class Block, class Direction>
struct ReachKernel {
  static constexpr bool kFromRows = std::is_same_v<Direction, FromRows>;
  using Tile = ScreenTile<Block>;
  static constexpr int kParts = Tile::kWarpsAlongColumns, kSlots = Tile::kSlots;
  template <class V>
  using PerThread = typename Block::template PerThread<V>;
  struct Shared {
    typename Tile::Shared tile;
    typename Block::template Array<float, Tile::kRows * kParts> reaches;
  };

  static BCL_DEVICE int64_t n_centers(const TileBoundArrays& a) {
    return kFromRows ? a.given.n_tiles - a.first_tile : a.n_rows;
  }
  static BCL_DEVICE int64_t n_columns(const TileBoundArrays& a) {
    return kFromRows ? a.n_rows : a.given.n_tiles - a.first_tile;
  }
  static BCL_DEVICE int64_t runs(const TileBoundArrays& a) { return (n_columns(a) + kTilesPerRun - 1) / kTilesPerRun; }
  static int64_t grid(const TileBoundArrays& a) { return (n_centers(a) + Tile::kRows - 1) / Tile::kRows * runs(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const TileBoundArrays& a) {
    const TiledPoints& given = a.given;
    const int64_t first = block.index() / runs(a) * Tile::kRows, first_run = block.index() % runs(a) * kTilesPerRun;
    const int64_t rest = n_columns(a) - first_run;
    const int d = static_cast<int>(given.d), n_tiles = static_cast<int>(rest < kTilesPerRun ? rest : kTilesPerRun);
    const int32_t* const offsets = given.tile_offsets + a.first_tile + first_run;
    Tile::walk(
        block, shared.tile, Matrix<float>{given.centers, given.n_tiles, d}, a.first_tile + first,
        Matrix<float>{given.points, given.n, d}, n_tiles, [&](int tile) -> int64_t { return offsets[tile]; }, a.aligned,
        [&](auto& products, int tile) {
          PerThread<Values<float, kSlots>> reach;
          block.each([&](int t) { reach[t] = farthest(given, products[t], offsets[tile], offsets[tile + 1], t); });
          join(block, shared, reach);
          block.each([&](int t) {
            const int64_t center = first + t, column = first_run + tile;
            if (t >= Tile::kRows || center >= n_centers(a)) return;
            float most = shared.reaches[t * kParts];
            for (int part = 1; part < kParts; ++part) {
              const float other = shared.reaches[t * kParts + part];
              most = other > most ? other : most;
            }
            const int64_t others = given.n_tiles - a.first_tile;
            (kFromRows ? a.from_rows[column * others + center] : a.to_rows[center * others + column]) = most;
          });
        });
  }

 private:
  // Of a thread's columns.
  static BCL_DEVICE Values<float, kSlots> farthest(const TiledPoints& given, const typename Tile::Products& products,
                                                   int32_t first, int32_t last, int t) {
    Values<float, kSlots> most;
    BCL_UNROLL
    for (int s = 0; s < kSlots; ++s) most.v[s] = -kInfinity<float>;
    BCL_UNROLL
    for (int n = 0; n < Tile::kNTiles; ++n) {
      BCL_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int32_t j = first + Tile::column(t, n, i);
        if (j >= last) continue;
        const float own = given.center_products[j];
        BCL_UNROLL
        for (int s = 0; s < kSlots; ++s) {
          const float reach = products.at[s / 2][n].v[s % 2 * 2 + i] - own;
          if (reach > most.v[s]) most.v[s] = reach;
        }
      }
    }
    return most;
  }

  // Of the lanes that have the same rows; shared memory has what each warp along the columns found.
  static BCL_DEVICE void join(Block& block, Shared& shared, PerThread<Values<float, kSlots>>& reach) {
    Tile::join_lanes(block, reach, [](float a, float b) { return b > a ? b : a; });
    block.each([&](int t) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s)
        if (s % 4 == t % 4) shared.reaches[Tile::row(t, s) * kParts + t / kWarp % kParts] = reach[t].v[s];
    });
    block.sync();
  }
};

// A warp per word.
template <class Block>
struct NearTilesKernel {
  struct Shared {};
  static int64_t grid(const TileBoundArrays& a) { return (a.n_rows * a.n_words + kWarps - 1) / kWarps; }

  static BCL_DEVICE void run(Block& block, Shared&, const TileBoundArrays& a) {
    const auto word_of = [&](int t) { return block.index() * kWarps + t / kWarp; };
    auto bits = block.ballot([&](int t) {
      const int64_t row = word_of(t) / a.n_words, other = word_of(t) % a.n_words * kWordBits + t % kWarp;
      return row < a.n_rows && other >= a.first_tile + row && other < a.given.n_tiles && may_meet(a, row, other);
    });
    block.each([&](int t) {
      if (t % kWarp == 0 && word_of(t) < a.n_rows * a.n_words) a.near[word_of(t)] = bits[t];
    });
  }

 private:
  static BCL_DEVICE bool may_meet(const TileBoundArrays& a, int64_t row, int64_t other) {
    const TiledPoints& given = a.given;
    const int64_t d = given.d, tile = a.first_tile + row, others = given.n_tiles - a.first_tile;
    float square = 0;
    for (int64_t p = 0; p < d; ++p) {
      const float w = given.centers[other * d + p] - given.centers[tile * d + p];
      square += w * w;
    }
    const float left = a.tau - given.spreads[tile] - given.spreads[other];
    // 2^-20: two points' coordinates are rounded; 2^-17: so are w, products with the own centre, and differences and
    // sums of numbers below 8; the rest: d squares and the roots.
    const float longest = std::sqrt(left > 0 ? left : 0) + 0x1p-20f;
    const float widened = longest + longest * static_cast<float>(d + 16) * kEpsilon<float>;
    const int64_t at = row * others + other - a.first_tile;
    const float error = given.errors[tile] * given.errors[other] + 0x1p-17f;
    return !(-(a.from_rows[at] + a.to_rows[at]) > widened * std::sqrt(square) + error);
  }
};

}  // namespace bcl::cuda
