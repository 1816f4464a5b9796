// Directions along which points vary most: what the leading screen looks at first.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/scaled_points.h"
#include "runtime/execution.h"

namespace bcl {

// Orthonormal up to rounding, the most telling first.
struct Directions {
  std::vector<float> values;  // [n, d]
  int64_t n = 0;
  const float* row(int64_t p, int64_t d) const { return values.data() + p * d; }
};

// The leading principal directions of a sample, at most max_directions and an even number, nearly: any orthonormal
// directions keep the screen exact, so a few steps of subspace iteration will do.
Directions principal_directions(const ScaledPoints& points, int64_t max_directions, const Execution& execution);

}  // namespace bcl
