#include "linkage/average_linkage.h"

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "linkage/all_pairs.h"
#include "linkage/cluster_means.h"
#include "linkage/dense_linkage.h"
#include "linkage/mean_distances.h"
#include "linkage/mean_heights.h"
#include "linkage/mean_linkage.h"
#include "linkage/rungs.h"

namespace bcl {
namespace {

constexpr int64_t kMaxPoints = 1 << 30;  // 2 n - 1 clusters are numbered in int32
constexpr double kRounding = 1e-10;      // more than means of means of up to 10^5 clusters collect

template <class T>
struct AverageMethod {
  const T* points;
  ClusterMeans<T> means;
  double distance_threshold;

  MeanDistances<T> distances(const RungOrder& rung) const { return {means, rung.ranks, distance_threshold}; }

  // The pairs end at the farthest of them, unless they are all.
  FoundMerges merge(RungPairs closest, const RungOrder& rung, const Separations& separations,
                    const Execution& execution) {
    double limit = distance_threshold;
    if (!closest.all) {
      limit = 0;
      for (const ClusterPair& pair : closest.pairs) limit = std::max(limit, pair.distance);
    }
    return mean_linkage(means, rung.firsts, std::move(closest.pairs), limit, separations, execution);
  }

  FoundMerges merge_all_pairs(const RungOrder& rung, const Separations& separations, const Execution& searching,
                              const Execution& merging) {
    const int64_t n = means.n();
    std::vector<int32_t> sizes(n);
    for (int64_t c = 0; c < n; ++c) sizes[c] = means.size(c);
    const bool are_points = std::all_of(sizes.begin(), sizes.end(), [](int32_t size) { return size == 1; });
    Condensed condensed = are_points
                              ? all_largest_distances(points, means.d(), group_points(rung.places, rung.labels, n),
                                                      rung.ranks, separations, searching)
                              : all_distance_sums(means, separations, searching);
    DenseOptions options{Linkage::average, distance_threshold * (1 + kRounding)};
    options.sizes = sizes.data();
    options.firsts = rung.firsts.data();
    return with_mean_heights(dense_linkage(n, condensed.data(), options, merging), distance_threshold, means);
  }
};

}  // namespace

template <class T>
Dendrogram average_linkage(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                           const Execution& execution) {
  if (n > kMaxPoints) throw std::invalid_argument("average linkage takes at most 2**30 points");
  DendrogramBuilder builder = first_clusters(points, n, d, options, execution);
  const ArrangedPoints<T> arranged = arranged_points(points, n, d, builder.n_clusters(), options, execution);
  ClusterMeans<T> means(arranged.points(), d, inverse(arranged.groups().order), builder.labels(), builder.n_clusters());
  return climb(std::move(builder), arranged.groups(),
               AverageMethod<T>{arranged.points(), std::move(means), options.distance_threshold}, options, execution);
}

template Dendrogram average_linkage(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template Dendrogram average_linkage(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
