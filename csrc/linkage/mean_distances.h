// Distances between clusters as average linkage has them: the mean squared distance between their points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "linkage/cluster_means.h"
#include "linkage/clusters.h"

namespace bcl {

// The interface is that of LargestDistances.
template <class T>
class MeanDistances {
 public:
  // Its cluster c is order[c] of `means`. Both must outlive it.
  MeanDistances(const ClusterMeans<T>& means, const std::vector<int32_t>& order, double distance_threshold)
      : means_(means), order_(order), distance_threshold_(distance_threshold) {}

  int64_t n_clusters() const { return means_.n(); }
  double distance_threshold() const { return distance_threshold_; }
  ScaledPoints screened_points(const Execution& execution) const { return means_.screened_points(order_, execution); }
  MeanDistances simplified() const { return *this; }

  struct Scratch {
    std::vector<int32_t> left, right;
    std::vector<double> distances;
    typename ClusterMeans<T>::Scratch means;
  };

  void measure(std::vector<ClusterPair>& pairs, double largest, Scratch& scratch) const {
    const double limit = std::min(distance_threshold_, largest);
    scratch.left.resize(pairs.size());
    scratch.right.resize(pairs.size());
    scratch.distances.resize(pairs.size());
    for (size_t t = 0; t < pairs.size(); ++t) {
      scratch.left[t] = order_[pairs[t].left];
      scratch.right[t] = order_[pairs[t].right];
    }
    means_.evaluate(scratch.left.data(), scratch.right.data(), static_cast<int64_t>(pairs.size()),
                    scratch.distances.data(), scratch.means);
    size_t kept = 0;
    for (size_t t = 0; t < pairs.size(); ++t) {
      pairs[kept] = {scratch.distances[t], pairs[t].left, pairs[t].right};
      kept += scratch.distances[t] <= limit;
    }
    pairs.resize(kept);
  }

 private:
  const ClusterMeans<T>& means_;
  const std::vector<int32_t>& order_;
  double distance_threshold_;
};

}  // namespace bcl
