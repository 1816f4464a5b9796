// An order of points in which those that lie close together stand close together: what one row of a walk reads of
// other points is then still in the cache for the next. No result depends on it.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/execution.h"

namespace bcl {

// The points by the nearest of a sample of them, then by number. Cost: that of about n^2 / 400 distances.
template <class T>
std::vector<int32_t> nearby_order(const T* points /* [n, d] */, int64_t n, int64_t d, const Execution& execution);

}  // namespace bcl
