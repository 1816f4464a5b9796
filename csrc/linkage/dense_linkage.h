// Linkage of all pairs, given as a condensed vector: the textbook nearest-neighbour chain (Muellner 2011).
//
// All n (n - 1) / 2 are there, computed by the caller or by all_pairs.h, and nothing is left to search for. It merges
// as the rungs do, ties included: complete linkage as graph_linkage on the graph of the pairs within the threshold.
// Average linkage keeps sums and divides them when it compares, so that means that are equal are seen to be, where the
// sums are exact. Cost O(n^2), whatever the ties. Memory: the vector, overwritten, and O(n).
#pragma once

#include <cstdint>

#include "linkage/condense.h"
#include "linkage/dendrogram.h"
#include "linkage/linkage_options.h"
#include "runtime/execution.h"

namespace bcl {

// What dense_linkage is asked for; the constraints are those of LinkageOptions.
struct DenseOptions {
  Linkage linkage;
  double threshold;                           // may be infinite; an infinite pair is never merged all the same
  const int32_t* must_link_groups = nullptr;  // [n]
  const int32_t* cannot_link = nullptr;       // [n_cannot_link, 2]
  int64_t n_cannot_link = 0;
  const int32_t* sizes = nullptr;  // [n] points of what are clusters already, or null: one each
  const int32_t* firsts =
      nullptr;  // [n] ascending: the first of these points, which tells ties apart; null: its number
};

// distances // [n (n - 1) / 2], >= 0 or infinite, overwritten; for average linkage the sums over the points of the two.
// Its stage is "merges". It runs on one thread.
template <class T>
FoundMerges dense_linkage(int64_t n, T* distances, const DenseOptions& options, const Execution& execution);

}  // namespace bcl
