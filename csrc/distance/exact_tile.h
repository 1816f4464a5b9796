// Squared distances of a tile of points, each summed in the order of the features: the bits of SciPy's pdist.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// What a thread works in. A broadcast row against a vector of columns keeps that order and is as fast as any other;
// rows and columns of kFeatures features, and the sums, stay in the second-level cache.
class ExactTile {
 public:
  static constexpr int64_t kRows = 96, kColumns = 64;

  // Of the points named, at most kRows and kColumns.
  template <class T>
  void measure(const T* points /* [., d] */, int64_t d, const int32_t* rows, int64_t n_rows, const int32_t* columns,
               int64_t n_columns);

  // Of the r-th of the rows measured last, by column.
  const double* distances(int64_t r) const { return sums_.data() + r * kColumns; }

 private:
  static constexpr int64_t kFeatures = 128;

  std::vector<double> rows_ = std::vector<double>(kRows * kFeatures);
  std::vector<double> columns_ = std::vector<double>(kColumns * kFeatures);  // panel by panel
  std::vector<double> sums_ = std::vector<double>(kRows * kColumns);
};

}  // namespace bcl
