// Candidates by a proof that two points lie far apart, from a few leading directions alone, in 8-bit integers.
//
// The distance in a subspace is at most the whole distance. Along orthonormal directions V (principal axes, best), with
// q = round(s V'x) known for every point (quantized_points.h), one product and one comparison tell (byte_bounds.h).
// They are asked twice: of all pairs in the first few directions, in integers of 16 bits (simd/byte_kernels.h); and of
// those left over in all directions, where a point's bytes are one line of the cache.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/byte_bounds.h"
#include "distance/quantized_points.h"
#include "runtime/thread_scratch.h"
#include "runtime/uninitialized.h"
#include "screen/candidate_source.h"

namespace bcl {

// Panels of columns between the two questions.
constexpr int64_t kScreenPanels = 16;

class LeadingScreen : public CandidateSource {
 public:
  // Asks all pairs about the first `depth` directions (a multiple of 4).
  LeadingScreen(const ScaledPoints& points, const Directions& directions, int64_t depth, double largest_threshold,
                const Execution& execution);

  void walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) override;
  int64_t directions() const override { return bytes_.depth(); }

 private:
  using Lengths = QuantizedPoints::Lengths;
  struct Scratch {
    std::vector<uint8_t> bytes;
    std::vector<uint32_t> rows;
    std::vector<int32_t> limits;
    std::vector<uint64_t> masks = std::vector<uint64_t>(kScreenRows * kScreenPanels);
    std::vector<int32_t> counts = std::vector<int32_t>(kScreenRows);
    UninitializedVector<int32_t> columns = UninitializedVector<int32_t>(kScreenRows * kScreenPanels * kScreenColumns);
  };

  void pack(double largest_threshold, const Execution& execution);

  // Readies the scratch for the rows [first, last).
  void begin(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const;
  // Lists, for row after row, the points of at most kScreenPanels panels that may lie within the threshold: counts[r]
  // columns for row first + r.
  void select(int64_t first, int64_t last, double distance_threshold, int64_t first_panel, Scratch& scratch) const;
  void list_columns(int64_t n_rows, int64_t n_panels, int64_t first_column, Scratch& scratch) const;
  void keep_near(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const;

  const QuantizedPoints bytes_;
  const ByteBounds bounds_;
  const int64_t n_panels_;
  std::vector<int8_t> panels_;         // [n_panels, depth * kScreenColumns]
  std::vector<int32_t> starts_;        // [n_panels, kScreenColumns]
  std::vector<int32_t> whole_starts_;  // [n]
  ThreadScratch<Scratch> scratch_;
};

}  // namespace bcl
