// The pairs of listed tiles that may lie within tau, on CUDA: one bit per pair from a tile walk, then count, scan and
// fill. A row's columns come out ascending, and so they are the same on every run.
//
// The products are of TF32 numbers, on tensor cores, at a third of the cost of float32 precision: this is a screen,
// which rejects only what a rigorous bound allows (device_screen.h); what is left is evaluated in float64 on the CPU.
#pragma once

#include "cuda/pair_source.h"
#include "cuda/tiles.cuh"

namespace bcl::cuda {

// A row tile and some of the tiles that it is asked about.
struct TileRun {
  int32_t row_tile;  // of the list
  int32_t n_entries;
  int64_t first_entry;  // of the list
};

struct PairMaskArrays {
  TiledPoints given;  // of the device
  bool aligned;
  // The pair i < j passes if points[i] . points[j] + starts[j] >= -starts[i] - half_tau.
  float half_tau;
  int64_t first_tile, n_places;  // the rows: kTilePoints places a tile
  const int64_t* entries;        // [row tiles + 1] of a row tile
  const int32_t* listed;         // [entries[row tiles]] the tile of an entry
  const TileRun* runs;           // [n_runs]
  int64_t n_runs;
  uint32_t* mask;    // the words of a place stand together, as mask_of has them
  int32_t* counts;   // [n_places]
  int64_t* offsets;  // [n_places + 1]
  int32_t* columns;  // [offsets[n_places]]
};

template <class Block>
using ScreenTile = DistanceTile<Block, float, 1, 2, 4, 4, 4>;  // 128 x 128

constexpr int64_t kTileWords = kTilePoints / kWordBits;
constexpr int64_t kTilesPerRun = 8;

// How many words a place has, kTileWords for each entry of its tile.
BCL_DEVICE int64_t n_words_of(const PairMaskArrays& a, int64_t place) {
  const int64_t tile = place / kTilePoints;
  return (a.entries[tile + 1] - a.entries[tile]) * kTileWords;
}
BCL_DEVICE uint32_t* mask_of(const PairMaskArrays& a, int64_t place) {
  const int64_t words_before = a.entries[place / kTilePoints] * kTilePoints * kTileWords;
  return a.mask + words_before + place % kTilePoints * n_words_of(a, place);
}

inline std::vector<TileRun> runs_of(const TileList& list) {
  std::vector<TileRun> runs;
  for (int64_t t = 0; t < list.n_tiles(); ++t)
    for (int64_t first = list.offsets[t]; first < list.offsets[t + 1]; first += kTilesPerRun) {
      const int64_t rest = list.offsets[t + 1] - first;
      runs.push_back({static_cast<int32_t>(t), static_cast<int32_t>(rest < kTilesPerRun ? rest : kTilesPerRun), first});
    }
  return runs;
}

template <class Block>
struct MaskKernel {
  using Tile = ScreenTile<Block>;
  static_assert(Tile::kRows == kTilePoints && Tile::kColumns == kTilePoints && Tile::kNTiles * 8 == kWordBits);
  static constexpr int kSlots = Tile::kSlots;
  template <class V>
  using PerThread = typename Block::template PerThread<V>;
  struct Shared {
    typename Tile::Shared tile;
  };

  static int64_t grid(const PairMaskArrays& a) { return a.n_runs; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const PairMaskArrays& a) {
    const TiledPoints& given = a.given;
    const TileRun run = a.runs[block.index()];
    const int32_t* const listed = a.listed + run.first_entry;
    const int32_t first = given.tile_offsets[a.first_tile + run.row_tile];
    const int32_t last = given.tile_offsets[a.first_tile + run.row_tile + 1];
    PerThread<Values<float, kSlots>> limits;
    block.each([&](int t) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        const int32_t i = first + Tile::row(t, s);
        limits[t].v[s] = i < last ? -given.starts[i] - a.half_tau : kInfinity<float>;
      }
    });
    const Matrix<float> points{given.points, given.n, static_cast<int>(given.d)};
    Tile::walk(
        block, shared.tile, points, first, points, run.n_entries,
        [&](int tile) -> int64_t { return given.tile_offsets[listed[tile]]; }, a.aligned,
        [&](auto& products, int tile) { write_mask(block, a, products, limits, run, listed[tile], tile); });
  }

 private:
  // A warp has 32 columns of each of its rows: one word.
  template <class Products>
  static BCL_DEVICE void write_mask(Block& block, const PairMaskArrays& a, Products& products,
                                    PerThread<Values<float, kSlots>>& limits, const TileRun& run, int32_t column_tile,
                                    int tile) {
    const int32_t first_row = a.given.tile_offsets[a.first_tile + run.row_tile];
    const int32_t first_column = a.given.tile_offsets[column_tile], last_column = a.given.tile_offsets[column_tile + 1];
    PerThread<Values<uint32_t, kSlots>> bits;
    block.each([&](int t) {
      compare(a.given.starts, products[t], limits[t], first_row, first_column, last_column, t, bits[t]);
    });
    Tile::join_lanes(block, bits, [](uint32_t a, uint32_t b) { return a | b; });
    const int64_t first_place = run.row_tile * kTilePoints, n_words = n_words_of(a, first_place);
    const int64_t entry = run.first_entry + tile - a.entries[run.row_tile];
    uint32_t* const words = mask_of(a, first_place) + entry * kTileWords;
    block.each([&](int t) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s)
        if (s % 4 == t % 4) words[Tile::row(t, s) * n_words + Tile::warp_column(t) / kWordBits] = bits[t].v[s];
    });
  }

  // Points of another tile all come behind those of the rows.
  static BCL_DEVICE void compare(const float* starts, const typename Tile::Products& products,
                                 const Values<float, kSlots>& limits, int32_t first_row, int32_t first_column,
                                 int32_t last_column, int t, Values<uint32_t, kSlots>& bits) {
    bits = {};
    BCL_UNROLL
    for (int n = 0; n < Tile::kNTiles; ++n) {
      BCL_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int32_t j = first_column + Tile::column(t, n, i);
        const float start = j < last_column ? starts[j] : -kInfinity<float>;
        BCL_UNROLL
        for (int s = 0; s < kSlots; ++s) {
          const float score = products.at[s / 2][n].v[s % 2 * 2 + i] + start;
          const bool passes = score >= limits.v[s] && j > first_row + Tile::row(t, s);
          bits.v[s] |= static_cast<uint32_t>(passes) << (Tile::column(t, n, i) - Tile::warp_column(t));
        }
      }
    }
  }
};

// A warp per place; the places of a block are of one tile.
static_assert(kTilePoints % kWarps == 0);

template <class Block>
struct CountKernel {
  struct Shared {};
  static int64_t grid(const PairMaskArrays& a) { return a.n_places / kWarps; }

  static BCL_DEVICE void run(Block& block, Shared&, const PairMaskArrays& a) {
    const int64_t first_place = block.index() * kWarps, n_words = n_words_of(a, first_place);
    const uint32_t* const mask = mask_of(a, first_place);
    typename Block::template PerThread<int32_t> count;
    block.each([&](int t) {
      count[t] = 0;
      for (int64_t word = t % kWarp; word < n_words; word += kWarp)
        count[t] += count_bits(mask[t / kWarp * n_words + word]);
    });
    block.warp_sum([&](int t) -> int32_t& { return count[t]; });
    block.each([&](int t) {
      if (t % kWarp == 0) a.counts[first_place + t / kWarp] = count[t];
    });
  }
};

// One block; a thread sums and then numbers a run of places.
template <class Block>
struct ScanKernel {
  struct Shared {
    typename Block::template Array<int64_t, kThreads> sums;
  };
  static int64_t grid(const PairMaskArrays&) { return 1; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const PairMaskArrays& a) {
    const auto first_of = [&](int t) { return t * a.n_places / kThreads; };
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
      if (t == kThreads - 1) a.offsets[a.n_places] = offset;
    });
  }
};

// A warp per place, a lane per word.
template <class Block>
struct FillKernel {
  struct Shared {};
  static int64_t grid(const PairMaskArrays& a) { return a.n_places / kWarps; }

  static BCL_DEVICE void run(Block& block, Shared&, const PairMaskArrays& a) {
    const int64_t first_place = block.index() * kWarps, n_words = n_words_of(a, first_place);
    const uint32_t* const mask = mask_of(a, first_place);
    const int32_t* const listed = a.listed + a.entries[first_place / kTilePoints];
    typename Block::template PerThread<uint32_t> bits;
    typename Block::template PerThread<int32_t> count;
    typename Block::template PerThread<int64_t> next;
    block.each([&](int t) { next[t] = a.offsets[first_place + t / kWarp]; });
    for (int64_t first = 0; first < n_words; first += kWarp) {
      block.each([&](int t) {
        const int64_t word = first + t % kWarp;
        bits[t] = word < n_words ? mask[t / kWarp * n_words + word] : 0;
        count[t] = count_bits(bits[t]);
      });
      auto before = block.warp_prefix([&](int t) { return count[t]; });
      block.each([&](int t) {
        if (bits[t] == 0) return;
        const int64_t word = first + t % kWarp;
        const int64_t column = a.given.tile_offsets[listed[word / kTileWords]] + word % kTileWords * kWordBits;
        int64_t place = next[t] + before[t];
        for (uint32_t rest = bits[t]; rest != 0; rest &= rest - 1)
          a.columns[place++] = static_cast<int32_t>(column + count_bits((rest & (0 - rest)) - 1));
      });
      block.warp_sum([&](int t) -> int32_t& { return count[t]; });
      block.each([&](int t) { next[t] += count[t]; });
    }
  }
};

}  // namespace bcl::cuda
