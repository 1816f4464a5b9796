#include "arrangement/arranged_points.h"

#include <algorithm>
#include <numeric>

#include "arrangement/nearby_order.h"

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 1 << 12;

template <class T>
PointGroups arrange(const T* points, int64_t n, int64_t d, double radius, const Execution& execution) {
  const ScaledPoints scaled(points, nullptr, n, d, execution);
  PointGroups groups = group_points(scaled, radius, execution);
  if (groups.n() == 0) groups.order = nearby_order(scaled, execution);
  return groups;
}

}  // namespace

template <class T>
ArrangedPoints<T>::ArrangedPoints(const T* points, int64_t n, int64_t d, double radius, bool may_copy,
                                  const Execution& execution)
    : points_(points), groups_{std::vector<int32_t>(n), {0}} {
  std::iota(groups_.order.begin(), groups_.order.end(), 0);
  if (!may_copy) return;
  groups_ = arrange(points, n, d, radius, execution);
  copy_.resize(n * d);
  parallel_for((n + kRowsPerTask - 1) / kRowsPerTask, execution, [&](int64_t t, int) {
    for (int64_t place = t * kRowsPerTask; place < std::min(n, (t + 1) * kRowsPerTask); ++place)
      std::copy_n(points + groups_.order[place] * d, d, copy_.data() + place * d);
  });
  points_ = copy_.data();
}

template class ArrangedPoints<float>;
template class ArrangedPoints<double>;

}  // namespace bcl
