// Distances between clusters as average linkage has them: the mean squared distance between their points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "linkage/cluster_means.h"
#include "linkage/clusters.h"

namespace bcl {

// The interface is that of LargestDistances.
template <class T>
class MeanDistances {
 public:
  // Its cluster c is order[c] of `means`, which must outlive it.
  MeanDistances(const ClusterMeans<T>& means, std::vector<int32_t> order, double distance_threshold)
      : means_(means), order_(std::move(order)), distance_threshold_(distance_threshold) {}

  int64_t n_clusters() const { return static_cast<int64_t>(order_.size()); }
  int64_t n_points() const { return n_clusters(); }
  double distance_threshold() const { return distance_threshold_; }
  ScaledPoints screened_points(const Execution& execution) const { return means_.screened_points(order_, execution); }
  MeanDistances simplified(std::initializer_list<const std::vector<int32_t>*>, const std::vector<int32_t>&) const {
    return *this;
  }
  MeanDistances chosen(const std::vector<int32_t>& places) const {
    std::vector<int32_t> order;
    for (const int32_t c : places) order.push_back(order_[c]);
    return {means_, std::move(order), distance_threshold_};
  }

  struct Scratch {
    std::vector<NearCluster> near;
    std::vector<int32_t> clusters;
    std::vector<double> distances;
  };

  void measure(int64_t i, const int32_t* candidates, int64_t count, double largest, Scratch& scratch) const {
    scratch.clusters.resize(count);
    scratch.distances.resize(count);
    for (int64_t t = 0; t < count; ++t) scratch.clusters[t] = order_[candidates[t]];
    means_.evaluate(order_[i], scratch.clusters.data(), count, scratch.distances.data());
    const double limit = std::min(distance_threshold_, largest);
    scratch.near.clear();
    for (int64_t t = 0; t < count; ++t)
      if (scratch.distances[t] <= limit) scratch.near.push_back({candidates[t], scratch.distances[t]});
  }

 private:
  const ClusterMeans<T>& means_;
  std::vector<int32_t> order_;
  double distance_threshold_;
};

}  // namespace bcl
