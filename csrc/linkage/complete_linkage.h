// Complete linkage of points: the distance of two clusters is the largest between their points. Rung by rung (rungs.h),
// each on the graph of its pairs (graph_linkage.h).
#pragma once

#include <cstdint>

#include "linkage/dendrogram.h"
#include "linkage/linkage_options.h"
#include "runtime/execution.h"

namespace bcl {

// Heights are squared distances. A group with a cannot-link pair inside is the caller's error. Its stages are "pairs"
// and "merges", by turns.
template <class T>
Dendrogram complete_linkage(const T* points /* [n, d] */, int64_t n, int64_t d, const LinkageOptions& options,
                            const Execution& execution);

}  // namespace bcl
