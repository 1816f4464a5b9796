// Complete linkage of points, rung by rung, in memory that does not grow with the number of pairs.
//
// The merges up to tau_1 < tau are the first merges up to tau. So take the closest pairs of clusters, as many as fit;
// merge on that graph as far as it is complete (nn_chain.h); then look for the closest pairs of the clusters that came
// out, and so on until tau. A pair of clusters enters a rung's graph with the largest distance between their points: a
// rung is the same problem again with fewer, larger points. Nothing is approximated, and a rung's pairs are far fewer
// than the pairs of points that they stand for. Identical points are merged before the first rung. See README.md.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/dendrogram.h"
#include "runtime/execution.h"

namespace bcl {

struct LinkageOptions {
  double distance_threshold;  // tau; may be infinite
  int64_t max_pairs;          // that a rung holds
  // [n] 0..K-1 by first appearance, or null: points that are merged from the start, at height 0.
  const int32_t* must_link_groups = nullptr;
  const int32_t* cannot_link = nullptr;  // [n_cannot_link, 2] points that never share a cluster
  int64_t n_cannot_link = 0;
  bool may_copy = true;  // the points, to have them in an order that is faster
};

// Heights are squared distances over dendrogram.scale. A group with a cannot-link pair inside is the caller's error.
struct ScaledDendrogram {
  Dendrogram dendrogram;
  double scale;
};

// Its stages are "pairs" and "merges", by turns.
template <class T>
ScaledDendrogram complete_linkage(const T* points /* [n, d] */, int64_t n, int64_t d, const LinkageOptions& options,
                                  const Execution& execution);

}  // namespace bcl
