// Linkage of all pairs, given as a condensed vector: the textbook nearest-neighbour chain (Muellner 2011).
//
// All n (n - 1) / 2 are there, computed by the caller or by all_pairs.h, and nothing is left to search for. Complete
// linkage merges as graph_linkage does on the graph of the pairs within the threshold, ties included. Cost O(n^2),
// whatever the ties. Memory: the vector, overwritten, and O(n).
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
};

// distances // [n (n - 1) / 2], >= 0 or infinite, overwritten. Its stage is "merges". It runs on one thread.
template <class T>
Dendrogram dense_linkage(int64_t n, T* distances, const DenseOptions& options, const Execution& execution);

}  // namespace bcl
