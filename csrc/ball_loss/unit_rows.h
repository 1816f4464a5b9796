// Rows scaled to unit length, and what that does to a gradient.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// Rows that have unit length up to rounding are taken as they are: what was normalised before keeps its bits, and where
// all rows have it nothing is copied. A row shorter than 1e-12 has no direction: it becomes zero and gets no gradient.
// A row that is not finite becomes NaN. O(n d), and n d numbers of memory where a row has another length.
template <class T>
class UnitRows {
 public:
  UnitRows(const T* rows /* [n, d] */, int64_t n, int64_t d, int n_threads);

  const T* data() const { return scaled_.empty() ? rows_ : scaled_.data(); }

  // Turns dL/du of row i into dL/df = (g - u (u . g)) / |f|, with u = f / |f| and g = dL/du.
  void pull_back(int64_t i, T* gradient /* [d] */) const;

 private:
  const T* rows_;
  int64_t d_;
  std::vector<T> inverse_lengths_;  // [n] 1 for a row of unit length, 0 without a direction
  std::vector<T> scaled_;           // [n, d], or empty
};

}  // namespace bcl
