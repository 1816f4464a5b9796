#include "linkage/rungs.h"

#include <algorithm>
#include <numeric>

#include "distance/identical_points.h"

namespace bcl {

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

RungOrder::RungOrder(const DendrogramBuilder& builder, const PointGroups& groups)
    : labels(groups.order.size()), firsts(builder.first_points()) {
  std::vector<int32_t> position(builder.n_clusters(), -1);
  size_t group = 0;
  for (size_t place = 0; place < groups.order.size(); ++place) {
    for (; group < groups.offsets.size() && groups.offsets[group] == static_cast<int64_t>(place); ++group)
      group_offsets.push_back(static_cast<int64_t>(ranks.size()));
    const int32_t point = groups.order[place];
    if (!builder.is_distinct(point)) continue;
    const auto label = static_cast<int32_t>(builder.labels()[point]);
    if (position[label] < 0) {
      position[label] = static_cast<int32_t>(ranks.size());
      ranks.push_back(label);
    }
    labels[place] = position[label];
    places.push_back(static_cast<int32_t>(place));
  }
  if (groups.n() > 0) group_offsets.push_back(static_cast<int64_t>(ranks.size()));
}

template DendrogramBuilder first_clusters(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template DendrogramBuilder first_clusters(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
