// Distances between clusters as complete linkage has them: the largest between their points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "distance/exact_distances.h"
#include "runtime/csr.h"

namespace bcl {

// Points by cluster: those of cluster c are members[offsets[c]..offsets[c + 1]), none empty.
struct Clusters {
  std::vector<int32_t> members;
  std::vector<int64_t> offsets = {0};
  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t size(int64_t c) const { return offsets[c + 1] - offsets[c]; }
  const int32_t* begin(int64_t c) const { return members.data() + offsets[c]; }
  const int32_t* end(int64_t c) const { return members.data() + offsets[c + 1]; }
  std::vector<int32_t> first_members() const;
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

inline std::vector<int32_t> Clusters::first_members() const {
  std::vector<int32_t> first(n());
  for (int64_t c = 0; c < n(); ++c) first[c] = *begin(c);
  return first;
}

template <class T>
class ClusterDistances {
 public:
  ClusterDistances(const ExactDistances<T>& exact, const Clusters& clusters) : exact_(exact), clusters_(clusters) {}

  struct Near {
    int32_t cluster;
    float distance;  // the largest, as ExactDistances::stored has it
  };

  struct Scratch {
    std::vector<Near> near;
    std::vector<int32_t> points;
    std::vector<double> distances;
  };

  // Leaves in scratch.near, in order, those of `candidates` whose distance to cluster i is within the threshold and
  // `largest`. First the one member of each that the screen saw; then, point by point, all members of those that are
  // left.
  void measure(int64_t i, const int32_t* candidates, int64_t count, float largest, Scratch& scratch) const {
    scratch.near.clear();
    scratch.points.clear();
    for (int64_t t = 0; t < count; ++t) {
      scratch.near.push_back({candidates[t], 0.0f});
      scratch.points.push_back(*clusters_.begin(candidates[t]));
    }
    keep_near(*clusters_.begin(i), largest, [](int32_t) { return int64_t{1}; }, scratch);
    const auto is_large = [&](const Near& near) { return clusters_.size(near.cluster) > 1; };
    if (clusters_.size(i) == 1 && std::none_of(scratch.near.begin(), scratch.near.end(), is_large)) return;
    for (const int32_t* point = clusters_.begin(i); point < clusters_.end(i) && !scratch.near.empty(); ++point) {
      scratch.points.clear();
      for (const Near& near : scratch.near)
        scratch.points.insert(scratch.points.end(), clusters_.begin(near.cluster), clusters_.end(near.cluster));
      keep_near(*point, largest, [&](int32_t c) { return clusters_.size(c); }, scratch);
    }
  }

 private:
  // Evaluates one point against scratch.points, which are size(cluster) points of every cluster in scratch.near.
  template <class Size>
  void keep_near(int32_t point, float largest, const Size& size, Scratch& scratch) const {
    scratch.distances.resize(scratch.points.size());
    exact_.evaluate(point, scratch.points.data(), static_cast<int64_t>(scratch.points.size()),
                    scratch.distances.data());
    const double* distance = scratch.distances.data();
    size_t kept = 0;
    for (const Near near : scratch.near) {
      const double* const end = distance + size(near.cluster);
      const double farthest = *std::max_element(distance, end);
      distance = end;
      if (!(farthest <= exact_.distance_threshold()) || exact_.stored(farthest) > largest) continue;
      scratch.near[kept++] = {near.cluster, std::max(near.distance, exact_.stored(farthest))};
    }
    scratch.near.resize(kept);
  }

  const ExactDistances<T>& exact_;
  const Clusters& clusters_;
};

}  // namespace bcl
