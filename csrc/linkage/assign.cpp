#include "linkage/assign.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "linkage/largest_distances.h"
#include "linkage/mean_distances.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {

// The new points are clusters of their own, before the others.
template <class Distances>
std::vector<int64_t> nearest_clusters(const Distances& distances, int64_t n_new, int64_t n_points,
                                      const Execution& execution) {
  const double threshold = distances.distance_threshold();
  const std::unique_ptr<CandidateSource> screen =
      choose_screen(distances.screened_points(execution), {}, {threshold, threshold}, execution);
  std::vector<int64_t> admitted(n_new, -1);
  std::vector<double> nearest(n_new, std::numeric_limits<double>::infinity());
  const int64_t n_tasks = (n_new + kScreenRows - 1) / kScreenRows;
  ThreadScratch<typename Distances::Scratch> scratch(execution, n_tasks);
  const Watch watch = execution.stage("pairs", n_points);
  parallel_for(
      n_tasks, execution,
      [&](int64_t t, int thread) {
        auto& measured = scratch[thread];
        screen->walk({t * kScreenRows, std::min(n_new, (t + 1) * kScreenRows), n_new}, threshold, thread,
                     [&](int64_t i, const int32_t* columns, int64_t count) {
                       distances.measure(i, columns, count, nearest[i], measured);
                       for (const NearCluster& near : measured.near) {
                         if (!(near.distance < nearest[i]) && admitted[i] >= 0) continue;
                         nearest[i] = near.distance;
                         admitted[i] = near.cluster - n_new;
                       }
                     });
      },
      watch);
  return admitted;
}

}  // namespace

template <class T>
std::vector<int64_t> assign(const T* points, int64_t n, int64_t d, int64_t n_new, const int32_t* clusters,
                            Linkage linkage, double distance_threshold, const Execution& execution) {
  std::vector<int64_t> labels(n);
  std::iota(labels.begin(), labels.begin() + n_new, 0);
  std::transform(clusters, clusters + (n - n_new), labels.begin() + n_new, [=](int32_t c) { return n_new + c; });
  const int64_t n_clusters = n == 0 ? 0 : *std::max_element(labels.begin(), labels.end()) + 1;
  std::vector<int32_t> all(n);  // points; later clusters
  std::iota(all.begin(), all.end(), 0);
  if (linkage == Linkage::complete) {
    const ExactDistances<T> exact(points, n, d, distance_threshold);
    return nearest_clusters(LargestDistances<T>(exact, group_points(all, labels, n_clusters)), n_new, n, execution);
  }
  const ClusterMeans<T> means(points, d, all, labels, n_clusters);
  all.resize(n_clusters);
  return nearest_clusters(MeanDistances<T>(means, all, distance_threshold), n_new, n, execution);
}

template std::vector<int64_t> assign(const float*, int64_t, int64_t, int64_t, const int32_t*, Linkage, double,
                                     const Execution&);
template std::vector<int64_t> assign(const double*, int64_t, int64_t, int64_t, const int32_t*, Linkage, double,
                                     const Execution&);

}  // namespace bcl
