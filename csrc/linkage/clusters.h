// Clusters as lists of points, and pairs of clusters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "runtime/csr.h"

namespace bcl {

struct ClusterPair {
  double distance;
  int32_t left, right;
};

struct NearCluster {
  int32_t cluster;
  double distance;
};

// Calls entry(cluster, other, distance) for both directions of every pair.
template <class Entry>
void for_each_direction(const std::vector<ClusterPair>& pairs, const Entry& entry) {
  for (const ClusterPair& pair : pairs) {
    entry(pair.left, pair.right, pair.distance);
    entry(pair.right, pair.left, pair.distance);
  }
}

// Points by cluster: those of cluster c are members[offsets[c]..offsets[c + 1]), none empty.
struct Clusters {
  std::vector<int32_t> members;
  std::vector<int64_t> offsets = {0};
  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t size(int64_t c) const { return offsets[c + 1] - offsets[c]; }
  const int32_t* begin(int64_t c) const { return members.data() + offsets[c]; }
  const int32_t* end(int64_t c) const { return members.data() + offsets[c + 1]; }
};

// A few of a cluster's members, spread over all, that speak for it where a guess will do.
inline std::vector<int32_t> few_of(const std::vector<int32_t>& members) {
  constexpr size_t kFew = 4;
  const size_t count = std::min(kFew, members.size());
  std::vector<int32_t> few(count);
  for (size_t m = 0; m < count; ++m) few[m] = members[m * members.size() / count];
  return few;
}

// Of the points given, by their labels 0..n_clusters-1.
inline Clusters group_points(const std::vector<int32_t>& points, const std::vector<int64_t>& labels,
                             int64_t n_clusters) {
  Clusters clusters;
  const auto for_each_point = [&](const auto& entry) {
    for (const int32_t i : points) entry(labels[i], i);
  };
  sort_into_rows(n_clusters, for_each_point, clusters.offsets, clusters.members);
  return clusters;
}

}  // namespace bcl
