// The mean of a cluster's points and how far they lie from it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "distance/exact_distances.h"
#include "linkage/clusters.h"
#include "runtime/execution.h"

namespace bcl {

template <class T>
class MemberMean {
 public:
  MemberMean(const ExactDistances<T>& exact, const Clusters& clusters, int64_t c)
      : exact_(exact), clusters_(clusters), c_(c), mean_(exact.d(), 0.0) {
    for (const int32_t* point = clusters.begin(c); point < clusters.end(c); ++point)
      for (int64_t p = 0; p < exact.d(); ++p) mean_[p] += coordinate(*point, p);
    for (double& x : mean_) x /= static_cast<double>(clusters.size(c));
  }

  // Seen from the first point there is, so that it is right however far from the origin the points lie.
  void write(double* mean) const { std::copy(mean_.begin(), mean_.end(), mean); }

  double squared_distance(int32_t point) const {
    double sum = 0;
    for (int64_t p = 0; p < exact_.d(); ++p) {
      const double offset = coordinate(point, p) - mean_[p];
      sum += offset * offset;
    }
    return sum;
  }

  // The mean squared distance to the mean.
  double spread() const {
    if (clusters_.size(c_) == 1) return 0;
    double sum = 0;
    for (const int32_t* point = clusters_.begin(c_); point < clusters_.end(c_); ++point)
      sum += squared_distance(*point);
    return sum / static_cast<double>(clusters_.size(c_));
  }

 private:
  double coordinate(int32_t point, int64_t p) const {
    return static_cast<double>(exact_.row(point)[p]) - static_cast<double>(exact_.row(0)[p]);
  }

  const ExactDistances<T>& exact_;
  const Clusters& clusters_;
  const int64_t c_;
  std::vector<double> mean_;
};

// Puts those members first that lie farthest from their cluster's mean: they are the first to tell that another cluster
// is too far away.
template <class T>
Clusters farthest_first(const ExactDistances<T>& exact, Clusters clusters, const Execution& execution) {
  constexpr int64_t kClustersPerTask = 1 << 10;
  const int64_t n = clusters.n();
  parallel_for((n + kClustersPerTask - 1) / kClustersPerTask, execution, [&](int64_t t, int) {
    std::vector<std::pair<double, int32_t>> members;
    for (int64_t c = t * kClustersPerTask; c < std::min(n, (t + 1) * kClustersPerTask); ++c) {
      if (clusters.size(c) < 3) continue;  // of two, both lie as far
      const MemberMean<T> mean(exact, clusters, c);
      members.clear();
      for (const int32_t* point = clusters.begin(c); point < clusters.end(c); ++point)
        members.emplace_back(-mean.squared_distance(*point), *point);
      std::sort(members.begin(), members.end());
      for (size_t m = 0; m < members.size(); ++m) clusters.members[clusters.offsets[c] + m] = members[m].second;
    }
  });
  return clusters;
}

}  // namespace bcl
