// Clusters as lists of points, and pairs of clusters.
#pragma once

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

// Points by cluster: those of cluster c are members[offsets[c]..offsets[c + 1]), none empty.
struct Clusters {
  std::vector<int32_t> members;
  std::vector<int64_t> offsets = {0};
  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t size(int64_t c) const { return offsets[c + 1] - offsets[c]; }
  const int32_t* begin(int64_t c) const { return members.data() + offsets[c]; }
  const int32_t* end(int64_t c) const { return members.data() + offsets[c + 1]; }
};

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
