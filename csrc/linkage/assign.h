// Which cluster each new point may join: of those within the threshold of it, as a linkage measures clusters, the
// nearest. Points do not see each other.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/linkage_options.h"
#include "runtime/execution.h"

namespace bcl {

// points: n_new new ones, then those of the clusters; clusters [n - n_new] says which is whose, 0..K-1 by first
// appearance. Returns a cluster per new point, -1: none. Ties go to the cluster numbered lower. Its stage is "pairs".
template <class T>
std::vector<int64_t> assign(const T* points /* [n, d] */, int64_t n, int64_t d, int64_t n_new, const int32_t* clusters,
                            Linkage linkage, double distance_threshold, const Execution& execution);

}  // namespace bcl
