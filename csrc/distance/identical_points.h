// Points with the same coordinates. They merge first, at distance 0, and one stands for all of them from then on:
// without that, m of them would make m^2 / 2 pairs.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/execution.h"

namespace bcl {

// Equal for points that are equal; of few others.
template <class T>
std::vector<uint64_t> row_hashes(const T* points /* [n, d], finite */, int64_t n, int64_t d,
                                 const Execution& execution);

// For every point the first one that equals it: itself, where none before it does. Points that are `alone` equal none.
template <class T>
std::vector<int32_t> first_identical(const T* points /* [n, d], finite */, int64_t n, int64_t d,
                                     const std::vector<bool>& alone, const Execution& execution);

}  // namespace bcl
