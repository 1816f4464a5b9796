// Distances between clusters as complete linkage has them: the largest between their points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "distance/exact_pairs.h"
#include "distance/scaled_points.h"
#include "linkage/clusters.h"

namespace bcl {

template <class T>
class LargestDistances {
 public:
  LargestDistances(const T* points /* [., d] */, int64_t d, Clusters clusters, double distance_threshold)
      : points_(points), d_(d), clusters_(std::move(clusters)), distance_threshold_(distance_threshold) {}

  int64_t n_clusters() const { return clusters_.n(); }
  double distance_threshold() const { return distance_threshold_; }

  // One point of each cluster, for a screen: no farther apart than the clusters.
  ScaledPoints screened_points(const Execution& execution) const {
    std::vector<int32_t> first_members(n_clusters());
    for (int64_t c = 0; c < n_clusters(); ++c) first_members[c] = *clusters_.begin(c);
    return ScaledPoints(points_, first_members.data(), n_clusters(), d_, execution);
  }

  // Distances that are quick to measure, at most these and about as large: those of a few members of each cluster.
  LargestDistances simplified() const {
    Clusters few;
    for (int64_t c = 0; c < n_clusters(); ++c) {
      const int64_t size = clusters_.size(c), count = std::min(kFewMembers, size);
      for (int64_t m = 0; m < count; ++m) few.members.push_back(clusters_.begin(c)[m * size / count]);
      few.offsets.push_back(static_cast<int64_t>(few.members.size()));
    }
    return {points_, d_, std::move(few), distance_threshold_};
  }

  struct Scratch {
    std::vector<int32_t> left, right;
    std::vector<double> distances;
  };

  // Measures pairs of clusters and keeps, in order, those within the threshold and `largest`. First the one member of
  // each that the screen saw; then, point by point of the left cluster, all members of the right one, where the pair is
  // still there.
  void measure(std::vector<ClusterPair>& pairs, double largest, Scratch& scratch) const {
    const double limit = std::min(distance_threshold_, largest);
    for (ClusterPair& pair : pairs) pair.distance = 0;
    keep_near(pairs, limit, scratch, 0, [](const ClusterPair&) { return int64_t{1}; });
    const auto rows = [&](const ClusterPair& pair) {
      return clusters_.size(pair.left) * clusters_.size(pair.right) == 1 ? 0 : clusters_.size(pair.left);
    };
    int64_t most = 0;
    for (const ClusterPair& pair : pairs) most = std::max(most, rows(pair));
    for (int64_t m = 0; m < most && !pairs.empty(); ++m)
      keep_near(pairs, limit, scratch, m,
                [&](const ClusterPair& pair) { return m < rows(pair) ? clusters_.size(pair.right) : 0; });
  }

 private:
  // Evaluates the m-th point of every left cluster against the first count(pair) of the right one, many together.
  template <class Count>
  void keep_near(std::vector<ClusterPair>& pairs, double limit, Scratch& scratch, int64_t m, const Count& count) const {
    size_t kept = 0;
    for (size_t first = 0, last = 0; first < pairs.size(); first = last) {
      scratch.left.clear();
      scratch.right.clear();
      for (; last < pairs.size() && scratch.left.size() < kTogether; ++last) {
        const int32_t* const right = clusters_.begin(pairs[last].right);
        const int64_t n = count(pairs[last]);
        scratch.right.insert(scratch.right.end(), right, right + n);
        if (n > 0) scratch.left.resize(scratch.right.size(), clusters_.begin(pairs[last].left)[m]);
      }
      exact_distances(points_, d_, scratch.left, scratch.right, scratch.distances);
      const double* distance = scratch.distances.data();
      for (size_t t = first; t < last; ++t) {
        ClusterPair pair = pairs[t];
        const double* const end = distance + count(pair);
        for (; distance < end; ++distance) pair.distance = std::max(pair.distance, *distance);
        pairs[kept] = pair;
        kept += pair.distance <= limit;
      }
    }
    pairs.resize(kept);
  }

  static constexpr int64_t kFewMembers = 4;
  static constexpr size_t kTogether = 1024;  // pairs of points, or one pair of clusters

  const T* points_;
  int64_t d_;
  Clusters clusters_;
  double distance_threshold_;
};

}  // namespace bcl
