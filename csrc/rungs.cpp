#include "rungs.h"

#include <algorithm>
#include <numeric>

#include "identical_points.h"
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

// Clusters as a rung has left them, with the nodes of the dendrogram that they are. Of identical points that have
// merged only the first is looked at any more: a cluster's `members` are without the others.
class Ladder {
 public:
  // A point starts in its group, or else in that of the first point that equals it.
  Ladder(int64_t n, const int32_t* groups, const std::vector<int32_t>& first_identical) : n_(n), labels_(n) {
    std::vector<int64_t> number(n, -1);
    std::vector<int32_t> all(n);
    int64_t n_clusters = 0;
    for (int32_t i = 0; i < n; ++i) {
      int64_t& label = number[groups == nullptr ? first_identical[i] : groups[first_identical[i]]];
      if (label < 0) label = n_clusters++;
      labels_[i] = label;
      all[i] = i;
      if (first_identical[i] == i) distinct_.push_back(i);
    }
    clusters_ = group_points(all, labels_, n_clusters);
    for (int64_t c = 0; c < n_clusters; ++c) nodes_.push_back(merge_group(c));
    clusters_ = group_points(distinct_, labels_, n_clusters);
  }

  const Clusters& clusters() const { return clusters_; }
  const std::vector<int64_t>& labels() const { return labels_; }

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
    for (int64_t& label : labels_) label = rung.labels[label];  // still numbered by first appearance
    clusters_ = group_points(distinct_, labels_, static_cast<int64_t>(nodes_.size()));
  }

  Dendrogram result() && { return {std::move(merges_), std::move(labels_)}; }

 private:
  int64_t merge_group(int64_t c) {
    int64_t node = *clusters_.begin(c);
    for (const int32_t* member = clusters_.begin(c) + 1; member < clusters_.end(c); ++member) {
      add_merge(node, *member, 0);
      node = n_ + static_cast<int64_t>(merges_.size()) - 1;
    }
    return node;
  }

  int64_t size(int64_t node) const { return node < n_ ? 1 : merges_[node - n_].size; }

  void add_merge(int64_t a, int64_t b, double height) {
    merges_.push_back({std::min(a, b), std::max(a, b), height, size(a) + size(b)});
  }

  const int64_t n_;
  std::vector<int64_t> labels_;    // by point
  std::vector<int32_t> distinct_;  // points
  Clusters clusters_;
  std::vector<int64_t> nodes_;  // by cluster
  std::vector<Merge> merges_;
};

// Pairs of points that never share a cluster, as pairs of clusters.
Forbidden forbidden_clusters(const Ladder& ladder, const int32_t* pairs, int64_t n_pairs) {
  Forbidden forbidden;
  if (n_pairs == 0) return forbidden;
  const std::vector<int64_t>& labels = ladder.labels();
  std::vector<std::pair<int32_t, int32_t>> both;
  for (int64_t p = 0; p < n_pairs; ++p) {
    const auto a = static_cast<int32_t>(labels[pairs[2 * p]]), b = static_cast<int32_t>(labels[pairs[2 * p + 1]]);
    both.emplace_back(a, b);
    both.emplace_back(b, a);
  }
  std::sort(both.begin(), both.end());
  both.erase(std::unique(both.begin(), both.end()), both.end());
  forbidden.offsets.assign(ladder.clusters().n() + 1, 0);
  for (const auto& [a, b] : both) {
    ++forbidden.offsets[a + 1];
    forbidden.clusters.push_back(b);
  }
  std::partial_sum(forbidden.offsets.begin(), forbidden.offsets.end(), forbidden.offsets.begin());
  return forbidden;
}

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

// How far the climb is, by the pairs that its rungs look at. What is yet to come is a guess, so the share may jump
// forward, but it never falls.
class Course {
 public:
  explicit Course(const RungWatch& watch) : watch_(watch) {}

  // For a stage that takes the part [begin, end) of a rung over n_clusters. The course must outlive what is returned.
  Watch stage(const char* name, int64_t n_clusters, double begin, double end) {
    if (!watch_) return {};
    const double pairs = 0.5 * static_cast<double>(n_clusters) * static_cast<double>(n_clusters);
    const Watch watch = [this, name, n_clusters, pairs, begin, end](double share) {
      const double done = finished_ + pairs * (begin + (end - begin) * share);
      share_ = std::max(share_, done / (finished_ + pairs * (1 + kLaterRungs)));
      return watch_(name, n_clusters, share_);
    };
    if (watch(0)) throw Interrupted();
    return watch;
  }

  void end_rung(int64_t n_clusters) {
    finished_ += 0.5 * static_cast<double>(n_clusters) * static_cast<double>(n_clusters);
  }

 private:
  static constexpr double kLaterRungs = 1.0 / 3;  // as if each rung left half the clusters

  const RungWatch& watch_;
  double finished_ = 0, share_ = 0;
};

constexpr double kPairsPart = 0.9;  // of a rung's time; the merges take the rest

}  // namespace

template <class T>
ScaledDendrogram complete_linkage_of_points(const T* points, int64_t n, int64_t d, const RungOptions& options,
                                            const RungWatch& watch) {
  const ExactDistances<T> exact(points, n, d, options.tau);
  Ladder ladder(n, options.groups, first_identical(points, n, d, constrained_points(n, options), options.n_threads));
  Course course(watch);
  for (bool all = false; !all && ladder.clusters().n() > 1;) {
    const int64_t n_clusters = ladder.clusters().n();
    const Forbidden forbidden = forbidden_clusters(ladder, options.forbidden_pairs, options.n_forbidden);
    ClosestPairs closest = closest_pairs(exact, ladder.clusters(), forbidden, options.most_pairs, options.n_threads,
                                         course.stage("pairs", n_clusters, 0, kPairsPart));
    all = closest.all;
    Graph graph(n_clusters, closest.pairs);
    closest.pairs = {};
    ladder.climb(complete_linkage(n_clusters, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(),
                                  course.stage("merges", n_clusters, kPairsPart, 1)));
    course.end_rung(n_clusters);
  }
  tell(watch, "done", ladder.clusters().n(), 1);
  return {std::move(ladder).result(), exact.scale()};
}

template ScaledDendrogram complete_linkage_of_points(const float*, int64_t, int64_t, const RungOptions&,
                                                     const RungWatch&);
template ScaledDendrogram complete_linkage_of_points(const double*, int64_t, int64_t, const RungOptions&,
                                                     const RungWatch&);

}  // namespace bcl
