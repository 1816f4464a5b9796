#include "rungs.h"

#include <algorithm>
#include <numeric>

#include "uninitialized.h"

namespace bcl {
namespace {

// A rung's pairs as the lists that the chain wants: both directions, each row's neighbours in no order.
struct Graph {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<float> distances;

  Graph(int64_t n, const std::vector<ClusterPair>& pairs) : offsets(n + 1, 0) {
    for (const ClusterPair& pair : pairs) {
      ++offsets[pair.left + 1];
      ++offsets[pair.right + 1];
    }
    std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
    neighbors.resize(offsets[n]);
    distances.resize(offsets[n]);
    std::vector<int64_t> next(offsets.begin(), offsets.end() - 1);
    const auto place = [&](int32_t i, int32_t j, float distance) {
      const int64_t e = next[i]++;
      neighbors[e] = j;
      distances[e] = distance;
    };
    for (const ClusterPair& pair : pairs) {
      place(pair.left, pair.right, pair.distance);
      place(pair.right, pair.left, pair.distance);
    }
  }
};

// Clusters as a rung has left them, with the nodes of the dendrogram that they are.
class Ladder {
 public:
  Ladder(int64_t n, const int32_t* groups) : n_(n) {
    std::vector<int64_t> labels(n);
    for (int64_t i = 0; i < n; ++i) labels[i] = groups == nullptr ? i : groups[i];
    regroup(labels);
    for (int64_t c = 0; c < clusters_.n(); ++c) nodes_.push_back(merge_group(c));
  }

  const Clusters& clusters() const { return clusters_; }

  // A rung's merges are between its clusters: clusters.n() + t is what its t-th merge made.
  void climb(const Dendrogram& rung) {
    const int64_t n_clusters = clusters_.n(), first = n_ + static_cast<int64_t>(merges_.size());
    const auto node = [&](int64_t id) { return id < n_clusters ? nodes_[id] : first + id - n_clusters; };
    for (const Merge& merge : rung.merges) add_merge(node(merge.left), node(merge.right), merge.height);
    std::vector<int64_t> new_nodes(n_clusters - rung.merges.size());
    for (int64_t c = 0; c < n_clusters; ++c) new_nodes[rung.labels[c]] = nodes_[c];
    // The last merge into a cluster is the cluster.
    std::vector<int64_t> owner(rung.merges.size());
    for (size_t t = 0; t < rung.merges.size(); ++t) {
      const int64_t id = rung.merges[t].left;
      owner[t] = id < n_clusters ? rung.labels[id] : owner[id - n_clusters];
      new_nodes[owner[t]] = first + static_cast<int64_t>(t);
    }
    nodes_ = std::move(new_nodes);
    std::vector<int64_t> labels = clusters_.labels();
    for (int64_t& label : labels) label = rung.labels[label];
    regroup(labels);
  }

  Dendrogram result() && { return {std::move(merges_), clusters_.labels()}; }

 private:
  // Labels are numbered by first appearance, and stay so.
  void regroup(const std::vector<int64_t>& labels) {
    const int64_t n_clusters = n_ == 0 ? 0 : *std::max_element(labels.begin(), labels.end()) + 1;
    clusters_ = group_points(labels.data(), n_, n_clusters);
  }

  int64_t merge_group(int64_t c) {
    int64_t node = clusters_.members[clusters_.offsets[c]];
    for (int64_t m = clusters_.offsets[c] + 1; m < clusters_.offsets[c + 1]; ++m) {
      add_merge(node, clusters_.members[m], 0);
      node = n_ + static_cast<int64_t>(merges_.size()) - 1;
    }
    return node;
  }

  int64_t size(int64_t node) const { return node < n_ ? 1 : merges_[node - n_].size; }

  void add_merge(int64_t a, int64_t b, double height) {
    merges_.push_back({std::min(a, b), std::max(a, b), height, size(a) + size(b)});
  }

  const int64_t n_;
  Clusters clusters_;
  std::vector<int64_t> nodes_;  // by cluster
  std::vector<Merge> merges_;
};

// Pairs of points that never share a cluster, as pairs of clusters.
Forbidden forbidden_clusters(const Clusters& clusters, const int32_t* pairs, int64_t n_pairs) {
  Forbidden forbidden;
  if (n_pairs == 0) return forbidden;
  const std::vector<int64_t> labels = clusters.labels();
  std::vector<std::pair<int32_t, int32_t>> both;
  for (int64_t p = 0; p < n_pairs; ++p) {
    const auto a = static_cast<int32_t>(labels[pairs[2 * p]]), b = static_cast<int32_t>(labels[pairs[2 * p + 1]]);
    both.emplace_back(a, b);
    both.emplace_back(b, a);
  }
  std::sort(both.begin(), both.end());
  both.erase(std::unique(both.begin(), both.end()), both.end());
  forbidden.offsets.assign(clusters.n() + 1, 0);
  for (const auto& [a, b] : both) {
    ++forbidden.offsets[a + 1];
    forbidden.clusters.push_back(b);
  }
  std::partial_sum(forbidden.offsets.begin(), forbidden.offsets.end(), forbidden.offsets.begin());
  return forbidden;
}

}  // namespace

template <class T>
ScaledDendrogram complete_linkage_of_points(const T* points, int64_t n, int64_t d, const RungOptions& options,
                                            const InterruptCheck& interrupted) {
  const ExactDistances<T> exact(points, n, d, options.tau);
  Ladder ladder(n, options.groups);
  for (bool all = false; !all && ladder.clusters().n() > 1;) {
    const Forbidden forbidden = forbidden_clusters(ladder.clusters(), options.forbidden_pairs, options.n_forbidden);
    ClosestPairs closest =
        closest_pairs(exact, ladder.clusters(), forbidden, options.most_pairs, options.n_threads, interrupted);
    all = closest.all;
    Graph graph(ladder.clusters().n(), closest.pairs);
    closest.pairs = {};
    ladder.climb(complete_linkage(ladder.clusters().n(), graph.offsets.data(), graph.neighbors.data(),
                                  graph.distances.data(), interrupted));
  }
  return {std::move(ladder).result(), exact.scale()};
}

template ScaledDendrogram complete_linkage_of_points(const float*, int64_t, int64_t, const RungOptions&,
                                                     const InterruptCheck&);
template ScaledDendrogram complete_linkage_of_points(const double*, int64_t, int64_t, const RungOptions&,
                                                     const InterruptCheck&);

}  // namespace bcl
