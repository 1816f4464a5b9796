// Which source of candidates is the fastest for these points: a device where the Execution names one, else by the
// expected time on a sample of pairs. The choice changes the time of a walk, never what is found within the threshold.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "distance/scaled_points.h"
#include "runtime/execution.h"
#include "screen/candidate_source.h"

namespace bcl {

// Instead of a number of directions: by a sample; cells of the groups.
constexpr int64_t kDecide = -1, kBlocks = -2;

struct Thresholds {
  Thresholds(double largest, double typical) : largest(largest), typical(std::min(typical, largest)) {}

  double largest;  // of a walk
  double typical;  // what most walks will ask for
};

// group_offsets: the ranges of points that stand close together, [n groups + 1], or empty. directions: that all pairs
// are asked about, a multiple of 8; 0: float32 products of all features. Only where the source multiplies these does it
// keep the points.
std::unique_ptr<CandidateSource> choose_screen(ScaledPoints points, const std::vector<int64_t>& group_offsets,
                                               const Thresholds& thresholds, const Execution& execution,
                                               int64_t directions = kDecide);

}  // namespace bcl
