// Proves that two points lie far apart from a few leading directions alone, in 8-bit integers.
//
// The distance in a subspace is at most the whole distance. Along orthonormal directions V (principal axes, best), with
// q = round(s V'x) and e >= |s V'x - q| known for every point:
//
//   |x - y|^2 <= tau   implies   |q_x - q_y| <= r + e_x + e_y   with r = s sqrt(tau), hence
//   q_x . q_y - A_y >= A_x - r^2 / 2                             with A = |q|^2 / 2 - r e - e^2,
//
// which is asked twice: of all pairs in the first few directions, in integers of 16 bits (screen_kernels.h); and of
// those left over in all directions, where a point's bytes are one line of the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/principal_directions.h"
#include "distance/scaled_points.h"
#include "runtime/uninitialized.h"
#include "simd/byte_kernels.h"

namespace bcl {

// Rows of a walk at once: a column's bytes, fetched for one survivor, serve the other rows' survivors too.
constexpr int64_t kScreenRows = 192;
// Panels of columns between the two questions.
constexpr int64_t kScreenPanels = 16;

class LeadingScreen {
 public:
  // Asks all pairs about the first `depth` directions (a multiple of 4). Answers for any tau <= largest_tau.
  LeadingScreen(const ScaledPoints& points, const Directions& directions, int64_t depth, double largest_tau,
                int n_threads);

  int64_t n_panels() const { return n_panels_; }

  struct Scratch {
    std::vector<uint8_t> bytes;
    std::vector<uint32_t> rows;
    std::vector<int16_t> limits;
    std::vector<uint64_t> masks = std::vector<uint64_t>(kScreenRows * kScreenPanels);
    std::vector<int32_t> counts = std::vector<int32_t>(kScreenRows);
    UninitializedVector<int32_t> columns = UninitializedVector<int32_t>(kScreenRows * kScreenPanels * kScreenColumns);
  };

  // Readies the scratch for the rows [first, last), at most kScreenRows.
  void begin(int64_t first, int64_t last, double tau, Scratch& scratch) const;

  // Lists, for row after row, the points of at most kScreenPanels panels that may lie within tau: counts[r] columns
  // for row first + r.
  void select(int64_t first, int64_t last, double tau, int64_t first_panel, Scratch& scratch) const;

 private:
  // What one of the two questions needs to know of every point: A, from the error and the length.
  struct Lengths {
    std::vector<float> errors;     // [n] e
    std::vector<int32_t> squares;  // [n] |q|^2
    double longest = 0;            // bounds |q|
    double half_square(int64_t i, double r) const {
      const double e = errors[i];
      return squares[i] / 2.0 - r * e - e * e;
    }
    double limit(int64_t i, double r) const { return half_square(i, r) - r * r / 2; }
  };

  void quantize(const ScaledPoints& points, const Directions& directions, int n_threads);
  void pack(double largest_tau, int n_threads);
  double reach(double tau, const Lengths& lengths) const;
  void list_columns(int64_t n_rows, int64_t n_panels, int64_t first_column, Scratch& scratch) const;

  int64_t n_, depth_, whole_depth_, n_panels_;
  double scale_ = 1, stretch_ = 1;
  const ScaledPoints& points_;
  int64_t row_bytes_;
  std::vector<int8_t> values_;  // [n, row_bytes] q, then zeros
  Lengths leading_, whole_;
  std::vector<int32_t> offsets_;       // [depth] makes a row's bytes unsigned
  std::vector<int8_t> panels_;         // [n_panels, depth * kScreenColumns]
  std::vector<int32_t> starts_;        // [n_panels, kScreenColumns]
  std::vector<int32_t> whole_starts_;  // [n]
};

}  // namespace bcl
