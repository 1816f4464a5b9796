// Condensed vectors: a number per pair, each once, as SciPy has them; and how a square matrix becomes one.
#pragma once

#include <cstdint>

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
