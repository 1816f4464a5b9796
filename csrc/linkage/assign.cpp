#include "linkage/assign.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "distance/scaled_points.h"
#include "linkage/cluster_distances.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {

template <class T>
std::vector<int64_t> assign(const T* points, int64_t n, int64_t d, int64_t n_new, const int32_t* clusters,
                            double distance_threshold, const Execution& execution) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // The new points are clusters of their own, before the others.
  std::vector<int64_t> labels(n);
  std::iota(labels.begin(), labels.begin() + n_new, 0);
  std::transform(clusters, clusters + (n - n_new), labels.begin() + n_new, [=](int32_t c) { return n_new + c; });
  const int64_t n_clusters = n == 0 ? 0 : *std::max_element(labels.begin(), labels.end()) + 1;
  std::vector<int32_t> all(n);
  std::iota(all.begin(), all.end(), 0);
  const Clusters groups = group_points(all, labels, n_clusters);
  const std::vector<int32_t> first_members = groups.first_members();
  const ExactDistances<T> exact(points, n, d, distance_threshold);
  const ClusterDistances<T> distances(exact, groups);
  const ScaledPoints scaled(points, first_members.data(), n_clusters, d, execution);
  const std::unique_ptr<CandidateSource> screen =
      choose_screen(scaled, distance_threshold, distance_threshold, execution);

  std::vector<int64_t> admitted(n_new, -1);
  std::vector<float> nearest(n_new, kInfinity);
  const int64_t n_tasks = (n_new + kScreenRows - 1) / kScreenRows;
  ThreadScratch<typename ClusterDistances<T>::Scratch> scratch(execution, n_tasks);
  const Watch watch = execution.stage("pairs", n);
  parallel_for(
      n_tasks, execution,
      [&](int64_t t, int thread) {
        auto& measured = scratch[thread];
        screen->walk(t * kScreenRows, std::min(n_new, (t + 1) * kScreenRows), distance_threshold, thread,
                     [&](int64_t i, const int32_t* columns, int64_t count) {
                       const int32_t* const old = std::lower_bound(columns, columns + count, n_new);
                       distances.measure(i, old, columns + count - old, nearest[i], measured);
                       for (const auto& near : measured.near) {
                         if (!(near.distance < nearest[i]) && admitted[i] >= 0) continue;
                         nearest[i] = near.distance;
                         admitted[i] = near.cluster - n_new;
                       }
                     });
      },
      watch);
  return admitted;
}

template std::vector<int64_t> assign(const float*, int64_t, int64_t, int64_t, const int32_t*, double, const Execution&);
template std::vector<int64_t> assign(const double*, int64_t, int64_t, int64_t, const int32_t*, double,
                                     const Execution&);

}  // namespace bcl
