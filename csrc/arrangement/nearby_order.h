// An order of points in which those that lie close together stand close together, whatever they are like.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/scaled_points.h"
#include "runtime/execution.h"

namespace bcl {

// The points by the nearest of a sample of them, then by number. Cost: that of about n^2 / 400 distances.
std::vector<int32_t> nearby_order(const ScaledPoints& points, const Execution& execution);

}  // namespace bcl
