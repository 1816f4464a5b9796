// Average linkage of points: the distance of two clusters is the mean squared distance between their points, which
// their means and spreads tell (cluster_means.h). Rung by rung (rungs.h), each in rounds of mutual neighbours
// (mutual_neighbors.h).
#pragma once

#include <cstdint>

#include "linkage/dendrogram.h"
#include "linkage/linkage_options.h"
#include "runtime/execution.h"

namespace bcl {

// As complete_linkage. Heights never decrease: where rounding would have one below those of its parts, it is theirs.
template <class T>
Dendrogram average_linkage(const T* points /* [n, d] */, int64_t n, int64_t d, const LinkageOptions& options,
                           const Execution& execution);

}  // namespace bcl
