// Points in an order in which near ones stand together: what one row of a walk reads of others is then still in the
// cache for the next, and whole groups of them can be told to lie far apart (screen/block_screen.h). No result depends
// on it.
#pragma once

#include <cstdint>
#include <vector>

#include "arrangement/point_groups.h"
#include "runtime/execution.h"
#include "runtime/uninitialized.h"

namespace bcl {

// From so many points on it pays to arrange them (README.md).
constexpr int64_t kFewestArranged = 1 << 15;

template <class T>
class ArrangedPoints {
 public:
  // A copy by groups of about `radius`, a squared distance, or without any where there are none of use; or, to save
  // it, the points as they are, which must then outlive this.
  ArrangedPoints(const T* points, int64_t n, int64_t d, double radius, bool may_copy, const Execution& execution);

  const T* points() const { return points_; }
  const PointGroups& groups() const { return groups_; }  // in any case with an order

 private:
  const T* points_;
  PointGroups groups_;
  UninitializedVector<T> copy_;
};

}  // namespace bcl
