// Groups of points that stand close together, as far as there are such groups: the points in the order of their groups,
// so that a group is a range of places.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/scaled_points.h"
#include "runtime/execution.h"

namespace bcl {

struct PointGroups {
  std::vector<int32_t> order;    // [n] point by place
  std::vector<int32_t> offsets;  // [n groups + 1] group g is at the places [offsets[g], offsets[g + 1]), never none

  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
};

// Groups whose points lie within about `radius`, a squared distance, of each other, or less, where that would take in
// more than neighbours; n() == 0 (and no order) where the points stand too evenly for groups to be of use, which a part
// of them tells. Nothing that must be exact depends on them. The same for any number of threads.
//
// Points of a sample that lie apart lead the first groups. Their means take their place, of which those that have come
// to stand close together are one; every point goes to the nearest; and what none is near goes the same way once more.
//
// n_all: the points are a sample of so many, themselves by default; groups are then those that all would have.
PointGroups group_points(const ScaledPoints& points, double radius, const Execution& execution, int64_t n_all = 0);

// The group of each point by centres that were had elsewhere, which are the first n_centers of `points`: the nearest,
// as near as bytes can tell, within about `radius`, or -1.
std::vector<int32_t> nearest_groups(const ScaledPoints& points, int64_t n_centers, double radius,
                                    const Execution& execution);

}  // namespace bcl
