#include "linkage/cluster_means.h"

#include <algorithm>
#include <utility>

#include "distance/exact_pairs.h"

namespace bcl {

template <class T>
ClusterMeans<T>::ClusterMeans(const T* points, int64_t d, const std::vector<int32_t>& places,
                              const std::vector<int64_t>& labels, int64_t n_clusters)
    : points_(points), d_(d), clusters_(n_clusters), zeros_(d, 0.0) {
  for (size_t i = 0; i < labels.size(); ++i) {
    Cluster point{places[i], 1, 0.0, nullptr};
    Cluster& cluster = clusters_[labels[i]];
    if (cluster.size == 0) {
      cluster = std::move(point);
    } else {
      absorb(cluster, point);
    }
  }
}

template <class T>
double ClusterMeans<T>::cross_sum(const Cluster& a, const Cluster& b) const {
  const double n = a.size, m = b.size;
  const double gap = exact_gap<T>({row(a), offsets(a), n}, {row(b), offsets(b), m}, d_);
  return (gap + (m * m * a.pair_sum + n * n * b.pair_sum)) / (n * m);
}

template <class T>
void ClusterMeans<T>::absorb(Cluster& a, Cluster& b) const {
  const double cross = cross_sum(a, b), m = b.size;
  const bool all_equal = cross == 0 && are_points(a, b);
  if (!all_equal) {
    if (!a.offsets) a.offsets = std::make_unique<double[]>(d_);
    for (int64_t p = 0; p < d_; ++p)
      a.offsets[p] += offsets(b)[p] + m * (static_cast<double>(row(b)[p]) - static_cast<double>(row(a)[p]));
  }
  a.pair_sum += b.pair_sum + cross;
  a.size += b.size;
  b.offsets.reset();
}

template <class T>
void ClusterMeans<T>::merge(int32_t a, int32_t b) {
  absorb(clusters_[a], clusters_[b]);
}

template <class T>
void ClusterMeans<T>::evaluate(int32_t c, const int32_t* others, int64_t count, double* distances) const {
  const Cluster& cluster = clusters_[c];
  for (int64_t t = 0; t < count; ++t) {
    const Cluster& other = clusters_[others[t]];
    distances[t] = are_points(cluster, other)
                       ? exact_distance(row(cluster), row(other), d_)
                       : cross_sum(cluster, other) / (static_cast<double>(cluster.size) * other.size);
  }
}

template <class T>
void ClusterMeans<T>::sum(int32_t c, const int32_t* others, int64_t count, double* sums) const {
  const Cluster& cluster = clusters_[c];
  for (int64_t t = 0; t < count; ++t) {
    const Cluster& other = clusters_[others[t]];
    const double n_pairs = static_cast<double>(cluster.size) * other.size;
    sums[t] =
        are_points(cluster, other) ? exact_distance(row(cluster), row(other), d_) * n_pairs : cross_sum(cluster, other);
  }
}

template <class T>
void ClusterMeans<T>::renumber(const std::vector<int64_t>& new_numbers) {
  const int64_t n_left = new_numbers.empty() ? 0 : *std::max_element(new_numbers.begin(), new_numbers.end()) + 1;
  std::vector<Cluster> left(n_left);
  for (int64_t c = 0; c < n(); ++c) {
    Cluster& cluster = left[new_numbers[c]];
    if (clusters_[c].size > cluster.size) cluster = std::move(clusters_[c]);  // a union is larger than what is gone
  }
  clusters_ = std::move(left);
}

template <class T>
ScaledPoints ClusterMeans<T>::screened_points(const std::vector<int32_t>& order, const Execution& execution) const {
  // Seen from a point, so that nothing is lost however far from the origin they lie.
  const auto write_mean = [&](int64_t i, double* mean) {
    const Cluster& cluster = clusters_[order[i]];
    const double n = cluster.size;
    for (int64_t p = 0; p < d_; ++p)
      mean[p] = static_cast<double>(row(cluster)[p]) - static_cast<double>(points_[p]) + offsets(cluster)[p] / n;
  };
  const auto spread = [&](int64_t i) {
    const Cluster& cluster = clusters_[order[i]];
    const double n = cluster.size;
    return cluster.pair_sum / (n * n);
  };
  return ScaledPoints(static_cast<int64_t>(order.size()), d_, write_mean, spread, execution);
}

template class ClusterMeans<float>;
template class ClusterMeans<double>;

}  // namespace bcl
