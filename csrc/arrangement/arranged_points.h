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

// From so many points on it pays to arrange them, and to look for groups (README.md).
constexpr int64_t kFewestArranged = 1 << 15, kFewestGrouped = 150'000;

template <class T>
class ArrangedPoints {
 public:
  // A copy in the order of the groups; or, where they have none, the points as they are, which must then outlive this.
  ArrangedPoints(const T* points, int64_t n, int64_t d, PointGroups groups, const Execution& execution);

  const T* points() const { return points_; }
  const PointGroups& groups() const { return groups_; }  // with an order in any case

 private:
  const T* points_;
  PointGroups groups_;
  UninitializedVector<T> copy_;
};

// Groups of about `radius`, a squared distance, without any where there are none of use.
template <class T>
PointGroups arrange_by_groups(const T* points, int64_t n, int64_t d, double radius, const Execution& execution);

// Without groups where they are not wanted or of no use, but in any case with an order.
template <class T>
PointGroups arrange(const T* points, int64_t n, int64_t d, double radius, bool may_have_groups,
                    const Execution& execution);

}  // namespace bcl
