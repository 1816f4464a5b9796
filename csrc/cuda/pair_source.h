// Pairs of points that may be close, as a device lists them: what the screen (screen/device_screen.h) asks of CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/uninitialized.h"

namespace bcl {

// Points of a tile at most: rows or columns of a block of products.
constexpr int64_t kTilePoints = 128;
// Bits of a word, of which there is one for each pair of points, or of tiles.
constexpr int64_t kWordBits = 32;

// Points x with starts of their own, in tiles: tile t is the points tile_offsets[t] ... tile_offsets[t + 1] - 1.
struct TiledPoints {
  const float* points;  // [n, d]
  const float* starts;  // [n]
  int64_t n, d;
  const int32_t* tile_offsets;  // [n_tiles + 1]
  int64_t n_tiles;
  // What bounds of pairs of tiles are made of (screen/tile_bound_kernels.cuh), or null.
  const float* centers;          // [n_tiles, d]
  const float* center_products;  // [n] of a point and its tile's centre
  const float* errors;           // [n_tiles]
  const float* spreads;          // [n_tiles] the least of a tile
};

// What the rows of the tiles from first_tile on are asked about: those of tile first_tile + t about the tiles
// columns[offsets[t] ... offsets[t + 1]), ascending, none before their own.
struct TileList {
  int64_t first_tile = 0;
  std::vector<int64_t> offsets = {0};
  std::vector<int32_t> columns;

  int64_t n_tiles() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

// Place r of a list's rows has the columns columns[offsets[r] .. offsets[r + 1]), ascending. The points of its tile t
// are at the places from t * kTilePoints on; those beyond them have none.
struct RowPairs {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> columns;
};

inline int64_t near_words(int64_t n_tiles) { return (n_tiles + kWordBits - 1) / kWordBits; }

// Points x on a device: finds the pairs i < j with x_i . x_j + start_j >= -start_i - half_tau, give or take the
// rounding of x to TF32, in the tiles that it is asked about. Two lists may be under way at once, in slots 0 and 1.
class PairSource {
 public:
  virtual ~PairSource() = default;

  // Bit u % kWordBits of word u / kWordBits of row t, of near_words(all tiles): whether the tiles first_tile + t and u
  // may hold points within tau of each other, for u from first_tile + t on. Of at most kTilePoints tiles.
  virtual std::vector<uint32_t> near_tiles(int64_t first_tile, int64_t n_tiles, float tau) = 0;

  virtual void begin(int slot, const TileList& list, float half_tau) = 0;
  virtual RowPairs finish(int slot) = 0;
};

// Holds the points on a CUDA device. They are read during the call alone. Throws std::invalid_argument in a build
// without CUDA.
std::unique_ptr<PairSource> make_cuda_pair_source(const TiledPoints& points, int device);

}  // namespace bcl
