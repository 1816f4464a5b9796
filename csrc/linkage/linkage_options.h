// What a linkage of points is asked for.
#pragma once

#include <cstdint>

#include "arrangement/arranged_points.h"

namespace bcl {

// By the largest or by the mean distance between the points of two clusters.
enum class Linkage { complete, average };

struct LinkageOptions {
  double distance_threshold;  // tau; may be infinite
  int64_t max_pairs;          // that a rung holds
  // [n] 0..K-1 by first appearance, or null: points that are merged from the start, at height 0.
  const int32_t* must_link_groups = nullptr;
  int64_t n_apart = 0;                   // of these groups the first so many never share a cluster
  const int32_t* cannot_link = nullptr;  // [n_cannot_link, 2] points that never share a cluster
  int64_t n_cannot_link = 0;
  bool may_copy = true;                     // the points, to have them in an order that is faster
  int64_t fewest_grouped = kFewestGrouped;  // clusters from which on groups of points are looked for
  int64_t max_dense_pairs = 0;              // that a vector of all pairs may hold, where that is faster than rungs
};

}  // namespace bcl
