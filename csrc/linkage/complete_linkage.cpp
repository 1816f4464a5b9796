#include "linkage/complete_linkage.h"

#include <utility>
#include <vector>

#include "linkage/largest_distances.h"
#include "linkage/nn_chain.h"
#include "linkage/rungs.h"
#include "runtime/csr.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

// A rung's pairs as the lists that the chain wants: both directions, each row's neighbours in no order.
struct Graph {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<double> distances;

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

template <class T>
struct CompleteMethod {
  const T* points;
  int64_t d;
  double distance_threshold;
  int64_t n_clusters = 0;

  LargestDistances<T> distances(const RungOrder& rung) {
    n_clusters = static_cast<int64_t>(rung.ranks.size());
    return {points, d, group_points(rung.places, rung.labels, n_clusters), distance_threshold};
  }

  // A pair that is not there forbids its merge, be it too far apart or separated.
  Dendrogram merge(ClosestPairs closest, const Separations&, const Execution& execution) const {
    Graph graph(n_clusters, closest.pairs);
    closest.pairs = {};
    return nn_chain(n_clusters, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(), execution);
  }
};

}  // namespace

template <class T>
Dendrogram complete_linkage(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                            const Execution& execution) {
  DendrogramBuilder builder = first_clusters(points, n, d, options, execution);
  const bool arrange = options.may_copy && builder.n_clusters() >= kFewestArranged;
  const ArrangedPoints<T> arranged(points, n, d, arrange, execution);
  const CompleteMethod<T> method{arranged.points(), d, options.distance_threshold};
  return climb(std::move(builder), arranged.order(), method, options, execution);
}

template Dendrogram complete_linkage(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template Dendrogram complete_linkage(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
