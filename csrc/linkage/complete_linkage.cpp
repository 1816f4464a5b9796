#include "linkage/complete_linkage.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "distance/identical_points.h"
#include "distance/nearby_order.h"
#include "linkage/closest_pairs.h"
#include "linkage/dendrogram_builder.h"
#include "linkage/nn_chain.h"
#include "linkage/progress.h"
#include "runtime/csr.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

// Below, the order makes no difference (README.md).
constexpr int64_t kFewestArranged = 1 << 15;
constexpr double kPairsPart = 0.9;  // of a rung's time; the merges take the rest

// The points in an order that is kind to the cache; or, to save a copy, as they are.
template <class T>
class ArrangedPoints {
 public:
  ArrangedPoints(const T* points, int64_t n, int64_t d, bool arrange, const Execution& execution)
      : points_(points), order_(n) {
    std::iota(order_.begin(), order_.end(), 0);
    if (!arrange) return;
    order_ = nearby_order(points, n, d, execution);
    copy_.resize(n * d);
    for (int64_t place = 0; place < n; ++place) std::copy_n(points + order_[place] * d, d, &copy_[place * d]);
    points_ = copy_.data();
  }

  const T* points() const { return points_; }
  const std::vector<int32_t>& order() const { return order_; }  // [n] point by place

 private:
  const T* points_;
  std::vector<int32_t> order_;
  UninitializedVector<T> copy_;
};

// A rung's clusters in the order of their first places, with their numbers in the dendrogram so far as ranks.
struct Rung {
  Clusters clusters;  // of places
  std::vector<int32_t> ranks;
  CannotLinkLists cannot_link;

  Rung(const DendrogramBuilder& builder, const std::vector<int32_t>& order, const LinkageOptions& options) {
    std::vector<int32_t> places, position(builder.n_clusters(), -1);
    std::vector<int64_t> label_of_place(order.size());
    for (size_t place = 0; place < order.size(); ++place) {
      if (!builder.is_distinct(order[place])) continue;
      int32_t& c = position[builder.labels()[order[place]]];
      if (c < 0) {
        c = static_cast<int32_t>(ranks.size());
        ranks.push_back(static_cast<int32_t>(builder.labels()[order[place]]));
      }
      label_of_place[place] = c;
      places.push_back(static_cast<int32_t>(place));
    }
    clusters = group_points(places, label_of_place, builder.n_clusters());
    if (options.n_cannot_link > 0) list_cannot_link(builder, position, options);
  }

 private:
  // Pairs of points that never share a cluster, as pairs of clusters.
  void list_cannot_link(const DendrogramBuilder& builder, const std::vector<int32_t>& position,
                        const LinkageOptions& options) {
    std::vector<std::pair<int32_t, int32_t>> both;
    const auto cluster = [&](int64_t e) { return position[builder.labels()[options.cannot_link[e]]]; };
    for (int64_t p = 0; p < options.n_cannot_link; ++p) {
      both.emplace_back(cluster(2 * p), cluster(2 * p + 1));
      both.emplace_back(cluster(2 * p + 1), cluster(2 * p));
    }
    std::sort(both.begin(), both.end());
    both.erase(std::unique(both.begin(), both.end()), both.end());
    const auto for_each_pair = [&](const auto& entry) {
      for (const auto& [a, b] : both) entry(a, b);
    };
    sort_into_rows(static_cast<int64_t>(ranks.size()), for_each_pair, cannot_link.offsets, cannot_link.clusters);
  }
};

// A rung's pairs as the lists that the chain wants: both directions, each row's neighbours in no order.
struct Graph {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<float> distances;

  Graph(int64_t n, const std::vector<ClusterPair>& pairs) {
    const auto for_each_direction = [&](const auto& entry) {
      for (const ClusterPair& pair : pairs) {
        entry(pair.left, pair.right, pair.distance);
        entry(pair.right, pair.left, pair.distance);
      }
    };
    sort_into_rows(n, for_each_direction, offsets, neighbors, distances);
  }
};

// Points that a constraint speaks of merge as it says, not with what equals them.
std::vector<bool> constrained_points(int64_t n, const LinkageOptions& options) {
  std::vector<bool> constrained(n, false);
  for (int64_t e = 0; e < 2 * options.n_cannot_link; ++e) constrained[options.cannot_link[e]] = true;
  if (options.must_link_groups == nullptr) return constrained;
  std::vector<int32_t> sizes(n, 0);
  for (int64_t i = 0; i < n; ++i) ++sizes[options.must_link_groups[i]];
  for (int64_t i = 0; i < n; ++i)
    if (sizes[options.must_link_groups[i]] > 1) constrained[i] = true;
  return constrained;
}

}  // namespace

template <class T>
ScaledDendrogram complete_linkage(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                                  const Execution& execution) {
  DendrogramBuilder builder(n, options.must_link_groups,
                            first_identical(points, n, d, constrained_points(n, options), execution));
  const bool arrange = options.may_copy && builder.n_clusters() >= kFewestArranged;
  const ArrangedPoints<T> arranged(points, n, d, arrange, execution);
  const ExactDistances<T> exact(arranged.points(), n, d, options.distance_threshold);
  LinkageProgress progress(execution);
  for (bool all = false; !all && builder.n_clusters() > 1;) {
    const int64_t n_clusters = builder.n_clusters();
    const Rung rung(builder, arranged.order(), options);
    ClosestPairs closest = closest_pairs(exact, rung.clusters, rung.ranks, rung.cannot_link, options.max_pairs,
                                         progress.part_of_rung(n_clusters, 0, kPairsPart));
    all = closest.all;
    Graph graph(n_clusters, closest.pairs);
    closest.pairs = {};
    builder.add_rung(nn_chain(n_clusters, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(),
                              progress.part_of_rung(n_clusters, kPairsPart, 1)));
    progress.end_rung(n_clusters);
  }
  return {std::move(builder).result(), exact.scale()};
}

template ScaledDendrogram complete_linkage(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template ScaledDendrogram complete_linkage(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
