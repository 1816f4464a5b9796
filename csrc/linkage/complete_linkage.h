// Complete linkage of points, rung by rung, in memory that does not grow with the number of pairs.
//
// The merges up to tau_1 < tau are the first merges up to tau. So take the closest pairs of clusters, as many as fit;
// merge on that graph as far as it is complete (linkage.h); then look for the closest pairs of the clusters that came
// out, and so on until tau. A pair of clusters enters a rung's graph with the largest distance between their points: a
// rung is the same problem again with fewer, larger points. Nothing is approximated, and a rung's pairs are far fewer
// than the pairs of points that they stand for. Identical points are merged before the first rung.
#pragma once

#include <cstdint>
#include <vector>

#include "linkage/nn_chain.h"
#include "linkage/progress.h"
#include "screen/device_screen.h"

namespace bcl {

struct RungOptions {
  double tau;          // may be infinite
  int64_t most_pairs;  // that a rung holds
  const int32_t* groups =
      nullptr;  // [n] 0..K-1 by first appearance: points that are merged from the start, at height 0
  const int32_t* forbidden_pairs = nullptr;  // [n_forbidden, 2] points that never share a cluster
  int64_t n_forbidden = 0;
  bool may_copy = true;  // the points, to have them in an order that is faster
  int n_threads = 0;
  int cuda_device = kNoDevice;  // that screens the pairs, instead of the CPU
};

// Heights are squared distances over dendrogram.scale. A group with a forbidden pair inside is the caller's error.
struct ScaledDendrogram {
  Dendrogram dendrogram;
  double scale;
};

template <class T>
ScaledDendrogram complete_linkage(const T* points /* [n, d] */, int64_t n, int64_t d, const RungOptions& options,
                                  const RungWatch& watch);

}  // namespace bcl
