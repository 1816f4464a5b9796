#include "linkage/rungs.h"

#include <algorithm>
#include <numeric>

#include "distance/identical_points.h"
#include "distance/nearby_order.h"

namespace bcl {
namespace {

// Clusters from which on it pays to arrange the points (README.md).
constexpr int64_t kFewestArranged = 1 << 15;

// Points that a constraint speaks of merge as it says, not with what equals them.
std::vector<bool> constrained_points(int64_t n, const LinkageOptions& options) {
  std::vector<bool> constrained(n, false);
  for (int64_t e = 0; e < 2 * options.n_cannot_link; ++e) constrained[options.cannot_link[e]] = true;
  if (options.must_link_groups == nullptr) return constrained;
  std::vector<int32_t> sizes(n, 0);
  for (int64_t i = 0; i < n; ++i) ++sizes[options.must_link_groups[i]];
  for (int64_t i = 0; i < n; ++i)
    if (sizes[options.must_link_groups[i]] > 1 || options.must_link_groups[i] < options.n_apart) constrained[i] = true;
  return constrained;
}

}  // namespace

template <class T>
ArrangedPoints<T>::ArrangedPoints(const T* points, int64_t n, int64_t d, int64_t n_clusters, bool may_copy,
                                  const Execution& execution)
    : points_(points), order_(n) {
  std::iota(order_.begin(), order_.end(), 0);
  if (!may_copy || n_clusters < kFewestArranged) return;
  order_ = nearby_order(points, n, d, execution);
  copy_.resize(n * d);
  for (int64_t place = 0; place < n; ++place) std::copy_n(points + order_[place] * d, d, copy_.data() + place * d);
  points_ = copy_.data();
}

template <class T>
DendrogramBuilder first_clusters(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                                 const Execution& execution) {
  return {n, options.must_link_groups, first_identical(points, n, d, constrained_points(n, options), execution)};
}

std::vector<int32_t> inverse(const std::vector<int32_t>& permutation) {
  std::vector<int32_t> places(permutation.size());
  for (size_t place = 0; place < permutation.size(); ++place) places[permutation[place]] = static_cast<int32_t>(place);
  return places;
}

RungOrder::RungOrder(const DendrogramBuilder& builder, const std::vector<int32_t>& order) : labels(order.size()) {
  std::vector<int32_t> position(builder.n_clusters(), -1);
  for (size_t place = 0; place < order.size(); ++place) {
    if (!builder.is_distinct(order[place])) continue;
    const auto label = static_cast<int32_t>(builder.labels()[order[place]]);
    if (position[label] < 0) {
      position[label] = static_cast<int32_t>(ranks.size());
      ranks.push_back(label);
    }
    labels[place] = position[label];
    places.push_back(static_cast<int32_t>(place));
  }
}

template class ArrangedPoints<float>;
template class ArrangedPoints<double>;
template DendrogramBuilder first_clusters(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template DendrogramBuilder first_clusters(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
