// Linkage of all pairs, given as a condensed vector: the textbook nearest-neighbour chain (Muellner 2011).
//
// For dissimilarities that the caller has computed: all n (n - 1) / 2 are there, and nothing is left to search for. It
// merges as nn_chain does on the graph of the pairs within the threshold, ties included. Cost O(n^2) at most. Memory:
// the vector, overwritten, and O(n).
#pragma once

#include <cstdint>

#include "linkage/dendrogram.h"
#include "linkage/linkage_options.h"
#include "runtime/execution.h"

namespace bcl {

// Where condensed vectors hold a pair: SciPy's order.
class CondensedRows {
 public:
  explicit CondensedRows(int64_t n) : n_(n) {}
  static int64_t size(int64_t n) { return n * (n - 1) / 2; }
  // The pair (i, j), i < j, is at begin(i) + j.
  int64_t begin(int64_t i) const { return i * (2 * n_ - i - 3) / 2 - 1; }

 private:
  int64_t n_;
};

// What dense_linkage is asked for; the constraints are those of LinkageOptions.
struct DenseOptions {
  Linkage linkage;
  double threshold;                           // may be infinite; an infinite pair is never merged all the same
  const int32_t* must_link_groups = nullptr;  // [n]
  const int32_t* cannot_link = nullptr;       // [n_cannot_link, 2]
  int64_t n_cannot_link = 0;
};

// distances // [n (n - 1) / 2], >= 0 or infinite, overwritten. Its stage is "merges". It runs on one thread.
template <class T>
Dendrogram dense_linkage(int64_t n, T* distances, const DenseOptions& options, const Execution& execution);

// What counts as rounding, beside distances of about `scale`: a distance at most relative * scale below zero, and two
// directions of a pair whose squares differ by at most relative * scale^2.
struct Tolerance {
  double relative, scale;
};

// A pair that is none; i < 0: there is none such.
struct BadPair {
  int64_t i = -1, j = -1;
};

// Writes the condensed vector of a square matrix that is symmetric up to rounding: of the two directions the mean, 0
// for what is below. The diagonal is not looked at. Returns the first pair, row by row, that is beyond the tolerance.
template <class T>
BadPair condense(const T* square /* [n, n] */, int64_t n, const Tolerance& tolerance,
                 T* condensed /* [n (n - 1) / 2] */, const Execution& execution);

}  // namespace bcl
