// The candidates among all pairs: every pair within tau, and few others, without evaluating most.
//
// Exact: rejects only what a rigorous bound proves to lie beyond tau. Two ways, chosen by the expected time on a sample
// of pairs: float32 tiles of all features, or the leading directions in 8-bit integers. Or a CUDA device does it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "distance/scaled_points.h"
#include "distance/tiles.h"
#include "runtime/parallel.h"
#include "screen/device_screen.h"
#include "screen/leading_screen.h"

namespace bcl {

// A watch on a walk over all rows, whose tasks shrink: a row is asked about the columns behind it.
inline Watch upper_triangle(const Watch& watch) {
  if (!watch) return {};
  return [&watch](double share) { return watch(share * (2 - share)); };
}

class Screen {
 public:
  // typical_tau: what most of the walks will ask for; it decides which way is taken, nothing else.
  // directions: that all pairs are asked about, a multiple of 8; 0: float32 tiles.
  static constexpr int64_t kDecide = -1;
  Screen(const ScaledPoints& points, double largest_tau, double typical_tau, int n_threads,
         int64_t directions = kDecide, int cuda_device = kNoDevice);

  int64_t directions() const { return directions_; }

  struct Scratch {
    std::vector<float> scores = tile_scratch<float>();
    std::vector<int32_t> columns = std::vector<int32_t>(kBlockColumns);
    std::vector<float> limits = std::vector<float>(kBlockRows);
    LeadingScreen::Scratch leading;
  };

  // Calls found(i, columns, count) with ascending columns j > i that may lie within tau (<= largest_tau) of row i, for
  // the rows [first, last) (at most kScreenRows), block of columns by block of columns. Each call may bring any number.
  using Found = std::function<void(int64_t row, const int32_t* columns, int64_t count)>;
  void walk(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const;

 private:
  void walk_float_tiles(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const;
  void walk_leading(int64_t first, int64_t last, double tau, Scratch& scratch, const Found& found) const;

  const ScaledPoints& points_;
  int64_t directions_ = 0;
  std::optional<Panels<float>> panels_;
  std::optional<LeadingScreen> leading_;
  std::optional<DeviceScreen> device_;
};

}  // namespace bcl
