// Clusters as rounds merge them: where each is, which is its nearest, and the merges so far.
//
// A *node* is one of the n clusters that there were at first (0..n-1) or what the t-th merge made (n + t); it never
// changes. A cluster is a node that has not been merged yet, and lives in the *place*, 0..n-1, of its largest part. So
// whoever has written down a node finds the place of the cluster that holds it now; and a place, for node p is always
// in the cluster that is or was in place p.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "linkage/dendrogram.h"

namespace bcl {

// The nearest of the clusters told of, by a total order of pairs: of equal distances that whose `tie` is the smallest.
struct NearestCluster {
  static constexpr double kNowhere = std::numeric_limits<double>::infinity();

  int32_t place = -1;  // -1: none
  double distance = kNowhere;
  double others_distance = kNowhere;  // at least, of all but the nearest; it holds whatever they become by merges

  template <class Tie>
  void take(int32_t other, double other_distance, const Tie& tie) {
    const bool is_nearer =
        place < 0 || other_distance < distance || (other_distance == distance && tie(other) < tie(place));
    if (!is_nearer) {
      others_distance = std::min(others_distance, other_distance);
      return;
    }
    others_distance = distance;
    place = other;
    distance = other_distance;
  }
};

class MergingClusters {
 public:
  // firsts[c]: the first point of each at first, ascending, or null: its own number; size_of(c): how large it is, in
  // any unit.
  template <class SizeOf>
  MergingClusters(int32_t n, const int32_t* firsts, const SizeOf& size_of)
      : n_(n), nodes_(2 * int64_t{n}), next_in_cluster_(nodes_.size()), clusters_(n), records_(n) {
    std::iota(next_in_cluster_.begin(), next_in_cluster_.end(), 0);
    for (int32_t c = 0; c < n; ++c) {
      clusters_[c].node = c;
      records_[c].first = firsts == nullptr ? c : firsts[c];
      clusters_[c].size = size_of(c);
      nodes_[c] = {c, clusters_[c].size};
    }
  }

  struct Node {
    int32_t place, size;  // of the cluster that it is in now; its own
  };

  // In its place. Those that are gone stay as they were when they merged.
  struct Cluster {
    int32_t node, size;
    int32_t nearest = -1;   // place; -1: none
    int32_t absorbed = -1;  // in the round in which it is made: the place of its other part
    bool is_union() const { return absorbed >= 0; }
  };

  int32_t n() const { return n_; }
  int64_t n_merges() const { return static_cast<int64_t>(merges_.size()); }
  Node node(int32_t node) const { return nodes_[node]; }
  int32_t place(int32_t node) const { return nodes_[node].place; }
  const Cluster& operator[](int32_t place) const { return clusters_[place]; }
  bool is_there(int32_t place) const { return nodes_[place].place == place; }

  // Whether the nearest of a cluster has become a part of the union c.
  bool is_orphan(int32_t place, int32_t c) const {
    const Cluster &cluster = clusters_[place], &other = clusters_[c];
    return other.is_union() && !cluster.is_union() && (cluster.nearest == c || cluster.nearest == other.absorbed);
  }

  // Between two rounds, for the first points are those of the clusters as they are.
  auto tie_with(int32_t c) const {
    return [this, c](int32_t other) { return tie_of(records_[c].first, records_[other].first); };
  }

  // Of all but the nearest; at least.
  double others_distance(int32_t c) const { return records_[c].others_distance; }
  void set_nearest(int32_t c, const NearestCluster& nearest) {
    clusters_[c].nearest = nearest.place;
    records_[c].nearest_distance = nearest.distance;
    records_[c].others_distance = nearest.others_distance;
  }
  // The nearest has become a part of the union in a place: those that were farther than it still are.
  void follow_nearest(int32_t c, int32_t place, double distance) {
    clusters_[c].nearest = place;
    records_[c].nearest_distance = distance;
  }

  // Room for the merges of a round; `join` may then be called for each, by any thread.
  int64_t begin_merges(int64_t count) {
    const int64_t first = n_merges();
    merges_.resize(first + count);
    return first;
  }

  // Makes the clusters in two places that are each other's nearest one, by the t-th merge. It lives in the place of the
  // larger, which is returned.
  int32_t join(int32_t a, int32_t b, int64_t t) {
    const auto weight = [&](int32_t c) { return std::make_tuple(clusters_[c].size, -records_[c].first); };
    if (weight(a) < weight(b)) std::swap(a, b);
    Cluster& cluster = clusters_[a];
    merges_[t] = {cluster.node, clusters_[b].node, records_[a].nearest_distance};
    const int32_t node = n_ + static_cast<int32_t>(t), last = clusters_[b].node;
    int32_t part = last;
    do {
      nodes_[part].place = a;
      part = next_in_cluster_[part];
    } while (part != last);
    std::swap(next_in_cluster_[cluster.node], next_in_cluster_[last]);
    std::swap(next_in_cluster_[cluster.node], next_in_cluster_[node]);
    cluster.node = node;
    cluster.size += clusters_[b].size;
    cluster.absorbed = b;
    nodes_[node] = {a, cluster.size};
    records_[a].first = std::min(records_[a].first, records_[b].first);
    return a;
  }
  void end_round(const std::vector<int32_t>& unions) {
    for (const int32_t c : unions) clusters_[c].absorbed = -1;
  }

  // The merges so far, which are then gone.
  FoundMerges found() {
    return {std::move(merges_), label_by_first_appearance(n_, [this](int32_t c) { return place(c); })};
  }

 private:
  // What is asked of a cluster less often.
  struct Record {
    double nearest_distance = NearestCluster::kNowhere, others_distance = NearestCluster::kNowhere;
    int32_t first = 0;
  };

  const int32_t n_;
  std::vector<Node> nodes_;               // [2 n]
  std::vector<int32_t> next_in_cluster_;  // [2 n] the nodes of a cluster, in a ring
  std::vector<Cluster> clusters_;         // [n] by place
  std::vector<Record> records_;           // [n] by place
  std::vector<FoundMerge> merges_;        // between nodes
};

}  // namespace bcl
