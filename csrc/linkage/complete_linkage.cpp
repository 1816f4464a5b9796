#include "linkage/complete_linkage.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "distance/identical_points.h"
#include "distance/nearby_order.h"
#include "linkage/closest_pairs.h"
#include "linkage/dendrogram_builder.h"
#include "runtime/csr.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

// Below, the order makes no difference (bench/NOTES.md).
constexpr int64_t kFewestArranged = 1 << 15;
constexpr double kPairsPart = 0.9;  // of a rung's time; the merges take the rest

// The points in an order that is kind to the cache; or, to save a copy, as they are.
template <class T>
class ArrangedPoints {
 public:
  ArrangedPoints(const T* points, int64_t n, int64_t d, bool arrange, int n_threads) : points_(points), order_(n) {
    std::iota(order_.begin(), order_.end(), 0);
    if (!arrange) return;
    order_ = nearby_order(points, n, d, n_threads);
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

// A rung's clusters in the order of their first places, with what they are called on the ladder.
struct Rung {
  Clusters clusters;  // of places
  std::vector<int32_t> names;
  Forbidden forbidden;

  Rung(const Ladder& ladder, const std::vector<int32_t>& order, const RungOptions& options) {
    std::vector<int32_t> places, position(ladder.n_clusters(), -1);
    std::vector<int64_t> label_of_place(order.size());
    for (size_t place = 0; place < order.size(); ++place) {
      if (!ladder.is_distinct(order[place])) continue;
      int32_t& c = position[ladder.labels()[order[place]]];
      if (c < 0) {
        c = static_cast<int32_t>(names.size());
        names.push_back(static_cast<int32_t>(ladder.labels()[order[place]]));
      }
      label_of_place[place] = c;
      places.push_back(static_cast<int32_t>(place));
    }
    clusters = group_points(places, label_of_place, ladder.n_clusters());
    if (options.n_forbidden > 0) forbid(ladder, position, options);
  }

 private:
  // Pairs of points that never share a cluster, as pairs of clusters.
  void forbid(const Ladder& ladder, const std::vector<int32_t>& position, const RungOptions& options) {
    std::vector<std::pair<int32_t, int32_t>> both;
    const auto cluster = [&](int64_t e) { return position[ladder.labels()[options.forbidden_pairs[e]]]; };
    for (int64_t p = 0; p < options.n_forbidden; ++p) {
      both.emplace_back(cluster(2 * p), cluster(2 * p + 1));
      both.emplace_back(cluster(2 * p + 1), cluster(2 * p));
    }
    std::sort(both.begin(), both.end());
    both.erase(std::unique(both.begin(), both.end()), both.end());
    const auto for_each_pair = [&](const auto& entry) {
      for (const auto& [a, b] : both) entry(a, b);
    };
    sort_into_rows(static_cast<int64_t>(names.size()), for_each_pair, forbidden.offsets, forbidden.clusters);
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
std::vector<bool> constrained_points(int64_t n, const RungOptions& options) {
  std::vector<bool> constrained(n, false);
  for (int64_t e = 0; e < 2 * options.n_forbidden; ++e) constrained[options.forbidden_pairs[e]] = true;
  if (options.groups == nullptr) return constrained;
  std::vector<int32_t> sizes(n, 0);
  for (int64_t i = 0; i < n; ++i) ++sizes[options.groups[i]];
  for (int64_t i = 0; i < n; ++i)
    if (sizes[options.groups[i]] > 1) constrained[i] = true;
  return constrained;
}

}  // namespace

template <class T>
ScaledDendrogram complete_linkage(const T* points, int64_t n, int64_t d, const RungOptions& options,
                                  const RungWatch& watch) {
  Ladder ladder(n, options.groups, first_identical(points, n, d, constrained_points(n, options), options.n_threads));
  const bool arrange = options.may_copy && ladder.n_clusters() >= kFewestArranged;
  const ArrangedPoints<T> arranged(points, n, d, arrange, options.n_threads);
  const ExactDistances<T> exact(arranged.points(), n, d, options.tau);
  Course course(watch);
  for (bool all = false; !all && ladder.n_clusters() > 1;) {
    const int64_t n_clusters = ladder.n_clusters();
    const Rung rung(ladder, arranged.order(), options);
    ClosestPairs closest =
        closest_pairs(exact, rung.clusters, rung.names, rung.forbidden, options.most_pairs, options.n_threads,
                      options.cuda_device, course.stage("pairs", n_clusters, 0, kPairsPart));
    all = closest.all;
    Graph graph(n_clusters, closest.pairs);
    closest.pairs = {};
    ladder.climb(nn_chain(n_clusters, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(),
                          course.stage("merges", n_clusters, kPairsPart, 1)));
    course.end_rung(n_clusters);
  }
  tell(watch, "done", ladder.n_clusters(), 1);
  return {std::move(ladder).result(), exact.scale()};
}

template ScaledDendrogram complete_linkage(const float*, int64_t, int64_t, const RungOptions&, const RungWatch&);
template ScaledDendrogram complete_linkage(const double*, int64_t, int64_t, const RungOptions&, const RungWatch&);

}  // namespace bcl
