// Complete linkage on a radius graph, in rounds of mutual nearest neighbours, stopped where the graph ends.
//
// A merge at height h needs every cross pair within h, so a pair missing from the graph forbids its merge for ever:
// with the graph of all pairs within tau the result is exactly complete linkage stopped at tau.
#pragma once

#include <cstdint>

#include "linkage/dendrogram.h"
#include "runtime/execution.h"

namespace bcl {

// The graph is symmetric, without a diagonal; a row's neighbours are unique and in any order, which changes nothing:
//   offsets    // [n + 1]
//   neighbors  // [offsets[n]]  overwritten: the lists shrink in place, nothing is allocated per merge
//   distances  // [offsets[n]]  overwritten
//   firsts     // [n]  ascending: of what is in each cluster the smallest number, which tells ties apart; null: its own
// Its stage is "merges".
FoundMerges graph_linkage(int64_t n, const int64_t* offsets, int32_t* neighbors, double* distances,
                          const int32_t* firsts, const Execution& execution);

}  // namespace bcl
