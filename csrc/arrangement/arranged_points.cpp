#include "arrangement/arranged_points.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "arrangement/nearby_order.h"

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 1 << 12;

}  // namespace

template <class T>
ArrangedPoints<T>::ArrangedPoints(const T* points, int64_t n, int64_t d, PointGroups groups, const Execution& execution)
    : points_(points), groups_(std::move(groups)) {
  if (static_cast<int64_t>(groups_.order.size()) < n) {
    groups_.order.resize(n);
    std::iota(groups_.order.begin(), groups_.order.end(), 0);
    return;
  }
  copy_.resize(n * d);
  parallel_for((n + kRowsPerTask - 1) / kRowsPerTask, execution, [&](int64_t t, int) {
    for (int64_t place = t * kRowsPerTask; place < std::min(n, (t + 1) * kRowsPerTask); ++place)
      std::copy_n(points + groups_.order[place] * d, d, copy_.data() + place * d);
  });
  points_ = copy_.data();
}

template <class T>
PointGroups arrange_by_groups(const T* points, int64_t n, int64_t d, double radius, const Execution& execution) {
  return group_points(ScaledPoints(points, nullptr, n, d, execution), radius, execution);
}

template <class T>
PointGroups arrange(const T* points, int64_t n, int64_t d, double radius, bool may_have_groups,
                    const Execution& execution) {
  const ScaledPoints scaled(points, nullptr, n, d, execution);
  PointGroups groups = may_have_groups ? group_points(scaled, radius, execution) : PointGroups{{}, {0}};
  if (groups.n() == 0) groups.order = nearby_order(scaled, execution);
  return groups;
}

#define BCL_INSTANTIATE(T)                                                                      \
  template class ArrangedPoints<T>;                                                             \
  template PointGroups arrange_by_groups(const T*, int64_t, int64_t, double, const Execution&); \
  template PointGroups arrange(const T*, int64_t, int64_t, double, bool, const Execution&)
BCL_INSTANTIATE(float);
BCL_INSTANTIATE(double);

}  // namespace bcl
