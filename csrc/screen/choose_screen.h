// Which source of candidates is the fastest for these points: a device where the Execution names one, else by the
// expected time on a sample of pairs. The choice changes the time of a walk, never what is found within the threshold.
#pragma once

#include <cstdint>
#include <memory>

#include "distance/scaled_points.h"
#include "runtime/execution.h"
#include "screen/candidate_source.h"

namespace bcl {

constexpr int64_t kDecide = -1;

// For walks at thresholds up to `largest_threshold`; typical_threshold is what most of them will ask for. directions:
// that all pairs are asked about, a multiple of 8; 0: float32 products of all features. `points` must outlive the
// source.
std::unique_ptr<CandidateSource> choose_screen(const ScaledPoints& points, double largest_threshold,
                                               double typical_threshold, const Execution& execution,
                                               int64_t directions = kDecide);

}  // namespace bcl
