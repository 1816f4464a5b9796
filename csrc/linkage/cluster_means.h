// What average linkage knows of every cluster: its size, mean and spread. The mean squared distance between the points
// of two clusters follows from these numbers alone, in O(d):
//
//   d(U, V) = |m_U - m_V|^2 + s_U + s_V    with the mean m and the mean squared distance s to it.
//
// A mean is kept as a point of the cluster, its *anchor*, and the sum of the points' offsets from it; a spread as the
// sum P of the squared distances of all pairs of the cluster's points (s = P / n^2). So nothing is rounded that the
// points' own distances would not round: the relative error is a few units in the last place wherever the points lie,
// and where all sums are whole numbers below 2^53 there is none.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "distance/scaled_points.h"

namespace bcl {

template <class T>
class ClusterMeans {
 public:
  // Clusters by their points' labels 0..n_clusters-1; point i is row places[i] of `points`, which must outlive this.
  ClusterMeans(const T* points /* [n, d] */, int64_t d, const std::vector<int32_t>& places,
               const std::vector<int64_t>& labels, int64_t n_clusters);

  int64_t n() const { return static_cast<int64_t>(clusters_.size()); }
  int64_t d() const { return d_; }
  int32_t size(int64_t c) const { return clusters_[c].size; }

  // distances[t] = d(c, others[t]): a function of the two clusters and how they were merged, the same bits with the two
  // exchanged.
  void evaluate(int32_t c, const int32_t* others, int64_t count, double* distances) const;
  // sums[t]: of the squared distances between the points of the two, whose mean is d(c, others[t]).
  void sum(int32_t c, const int32_t* others, int64_t count, double* sums) const;

  // The union takes the place of cluster `a`, the larger; `b` is gone. Different pairs may merge at once.
  void merge(int32_t a, int32_t b);

  // Leaves the clusters that merges have left, numbered anew: new_numbers[c], the same for those merged.
  void renumber(const std::vector<int64_t>& new_numbers);

  // The means of the clusters in the order given and their spreads, for a screen.
  ScaledPoints screened_points(const std::vector<int32_t>& order, const Execution& execution) const;

 private:
  struct Cluster {
    int32_t anchor = 0, size = 0;
    double pair_sum = 0;                // P
    std::unique_ptr<double[]> offsets;  // [d] the sum of the offsets from the anchor; null: zero
  };

  const T* row(const Cluster& cluster) const { return points_ + cluster.anchor * d_; }
  const double* offsets(const Cluster& cluster) const {
    return cluster.offsets ? cluster.offsets.get() : zeros_.data();
  }
  // Whether the points of both are all alike: their distance is then had from two points, nearer than from the sum.
  static bool are_points(const Cluster& a, const Cluster& b) { return !a.offsets && !b.offsets; }
  // Of the squared distances between the points of two clusters.
  double cross_sum(const Cluster& a, const Cluster& b) const;
  void absorb(Cluster& a, Cluster& b) const;

  const T* points_;
  int64_t d_;
  std::vector<Cluster> clusters_;
  std::vector<double> zeros_;  // [d]
};

}  // namespace bcl
