// What the bindings of linkages share: checks of constraints, and merges as SciPy has them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "bindings/arrays.h"
#include "linkage/dendrogram.h"

namespace bcl {

// Anything else would write out of bounds.
inline void check_numbering(const Array<int32_t>& groups, int64_t n, const std::string& name) {
  check_aligned(groups, name.c_str());
  if (groups.ndim() != 1 || groups.size() != n) throw std::invalid_argument(name + " must have one entry per point");
  int32_t n_groups = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t group = groups.data()[i];
    if (group < 0 || group > n_groups)
      throw std::invalid_argument(name + " must be numbered from 0 by first appearance");
    n_groups = std::max(n_groups, group + 1);
  }
}

inline void check_cannot_link(const Array<int32_t>& pairs, int64_t n) {
  check_aligned(pairs, "cannot_link");
  if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("cannot_link must have two columns");
  for (int64_t e = 0; e < pairs.size(); ++e)
    if (pairs.data()[e] < 0 || pairs.data()[e] >= n) throw std::invalid_argument("cannot_link must lie in [0, n)");
}

inline py::tuple to_python(Dendrogram&& dendrogram) {
  Array<double> merges({static_cast<py::ssize_t>(dendrogram.merges.size()), py::ssize_t{4}});
  double* row = merges.mutable_data();
  for (const Merge& merge : dendrogram.merges) {
    *row++ = static_cast<double>(merge.left);
    *row++ = static_cast<double>(merge.right);
    *row++ = merge.height;
    *row++ = static_cast<double>(merge.size);
  }
  return py::make_tuple(merges, to_numpy(std::move(dendrogram.labels)));
}

}  // namespace bcl
