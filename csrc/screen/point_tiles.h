// Points in the tiles that a device multiplies at once, and what tells that two tiles lie too far apart to be asked
// about.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/pair_source.h"
#include "distance/scaled_points.h"
#include "runtime/execution.h"

namespace bcl {

// Products are of TF32 numbers: they miss x . y by at most this times |x||y|. Rounded to TF32, x and y miss 2^-11 each,
// their product 2^-10 and a little |x||y|. Tensor cores add 8 products and the sum so far, each cut to 24 bits beside
// the largest of them: 9 d / 8 errors of 2^-23 sum |x_p y_p|, for which 8 d are allowed. The rest is as on the CPU
// (ScaledPoints).
double tf32_slack(int64_t d);

struct PointTiles {
  std::vector<int32_t> offsets;  // [n + 1]
  // Empty where all pairs of tiles are asked about.
  std::vector<float> centers;          // [n, d]
  std::vector<float> center_products;  // [n points] of a point and its tile's centre
  std::vector<float> errors;           // [n]
  std::vector<float> spreads;          // [n] the least of a tile
  double share_left = 1;               // about how many of the pairs of tiles are asked about

  // As full as can be.
  explicit PointTiles(int64_t n_points);
  // Of groups [group_offsets[g], group_offsets[g + 1]), each of which begins a tile, with bounds.
  PointTiles(const ScaledPoints& points, const std::vector<int64_t>& group_offsets, const Execution& execution);

  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  bool has_bounds() const { return !centers.empty(); }
  int64_t tile_of(int64_t point) const;

  // These points, of which this and the starts are told: for as long as all of them are there.
  TiledPoints of(const ScaledPoints& points, const float* starts) const;

  // The share of a sample of pairs of tiles that the bounds leave at a distance threshold.
  double sampled_share(const ScaledPoints& points, double distance_threshold, const Execution& execution) const;

  // Whichever has fewer products to make.
  static PointTiles choose(const ScaledPoints& points, const std::vector<int64_t>& group_offsets,
                           double distance_threshold, const Execution& execution);
};

}  // namespace bcl
