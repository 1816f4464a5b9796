// The points of cells, the cells' centres, and what is known of both, as the products of BlockScreen want them.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/byte_bounds.h"
#include "distance/quantized_points.h"
#include "distance/tiles.h"
#include "screen/cells.h"

namespace bcl {

struct PackedCells {
  static constexpr int64_t kFewestDirections = 4;
  static constexpr int64_t kChunk = kBlockColumns;  // cells that are asked about at a time
  // The feature of a spread, the first of as many as a word may hold, has b in halves and, where it meets b, |w| in
  // twos: both are rounded down and cut, which loses only proofs, as does a sum of 16 bits that is so far below all
  // others that it turns positive.
  static constexpr int64_t kSpreadFeatures = 4;
  static constexpr double kShorteningUnit = 0.5, kGapUnit = 1 / kShorteningUnit;

  // In all `directions`, at least kFewestDirections.
  PackedCells(const ScaledPoints& points, const Directions& directions, Cells cells, double largest_threshold,
              const Execution& execution);

  int64_t n() const { return cells.n(); }
  int64_t n_chunks() const { return (n() + kChunk - 1) / kChunk; }
  int64_t n_tiles(int64_t c) const { return first_tile[c + 1] - first_tile[c]; }
  int64_t first_column(int64_t c) const { return first_tile[c] * screen_kernels().tile_columns; }
  const int8_t* center(int64_t c) const { return &centers[c * bytes.depth()]; }
  bool has_spreads() const { return spread_words > 0; }
  // Point i as a row of the products, or a centre, by way of bytes [depth], of which the last are zero.
  void pack_row(const int8_t* q, uint8_t shortening, uint8_t* row, uint32_t* words) const;

  const QuantizedPoints bytes;
  const ByteBounds bounds;
  const Cells cells;
  const int64_t depth;  // of the products: the directions and, where there are spreads, kSpreadFeatures more
  const int64_t row_words, spread_words;
  std::vector<int64_t> first_tile;  // [n + 1]
  std::vector<int8_t> tiles;        // of every cell's points
  // Of the tiles' columns, packed: for two points' distance; for products alone; q_y . k_B.
  std::vector<int32_t> starts, product_starts, own;
  std::vector<int32_t> own_products;  // the last by point
  std::vector<uint8_t> shortenings;   // b by point, in the unit of the feature
  std::vector<float> errors;          // [n] the largest of a cell
  // The centres: bytes, tiles of columns for their products alone, and floats.
  std::vector<int8_t> centers, center_tiles;
  std::vector<int32_t> center_starts;  // not packed
  Panels<float> center_panels;

 private:
  void pack_cell(int64_t c, double largest_reach);
  uint8_t shortening(int64_t i, double largest_reach) const;
  void pack_centers(const Execution& execution);
};

}  // namespace bcl
