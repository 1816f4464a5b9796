// Lists that are brought up to date only when they are read.
//
// A list holds entries (node, largest distance): node was a cluster, fully linked to the list's owner, when the list
// was written. Reading a list maps every node to the cluster that holds it now and adds up the nodes' sizes per
// cluster; a cluster whose sum falls short of its size misses a pair, so it can never merge with the owner and is
// dropped. The list of a union: the clusters that both parts' lists hold completely.
//
// A cluster's nearest neighbour is remembered. Distances between clusters never shrink (complete linkage takes the
// maximum), so it stays the nearest until it is itself merged; only then is the list read again.
//
// Memory: the graph, overwritten, O(n), and 4 n bytes a thread. A merged list is an intersection, so it fits in the
// room of the shorter parent's list; nothing is allocated per merge.
#include "linkage/graph_linkage.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "linkage/merging_clusters.h"
#include "linkage/mutual_neighbors.h"

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 1 << 12;
constexpr int64_t kMaxPoints = 1 << 30;  // 2 n - 1 nodes and twice a cluster's size must fit in int32

// What the lists read so far say about one cluster.
struct Sum {
  double distance;  // the largest
  int32_t place;
  int32_t count;  // sizes added up
};

// Sums by place, in the order in which places first come.
class Sums {
 public:
  // Room for so many different places, of n.
  void begin(int32_t n, int64_t count) {
    if (where_.empty()) where_.assign(n, -1);
    for (const Sum& sum : *this) where_[sum.place] = -1;
    if (static_cast<int64_t>(sums_.size()) <= count) sums_.resize(count + 1);
    size_ = 0;
  }

  // Without a branch, which would be taken as often as not.
  void add(int32_t place, int32_t count, double distance) {
    const int32_t found = where_[place], at = found < 0 ? size_ : found;
    where_[place] = at;
    size_ += found < 0;
    Sum& sum = sums_[at];
    sum.distance = std::max(found < 0 ? distance : sum.distance, distance);
    sum.count = (found < 0 ? 0 : sum.count) + count;
    sum.place = place;
  }

  const Sum* begin() const { return sums_.data(); }
  const Sum* end() const { return sums_.data() + size_; }

 private:
  std::vector<int32_t> where_;  // [n] a place's sum, -1: none
  std::vector<Sum> sums_;
  int32_t size_ = 0;
};

class GraphLists {
 public:
  using Scratch = Sums;
  static constexpr int64_t kClustersPerTask = 512;

  GraphLists(MergingClusters& clusters, const int64_t* offsets, int32_t* neighbors, double* distances,
             const Execution& execution)
      : clusters_(clusters), neighbors_(neighbors), distances_(distances), lists_(clusters.n()) {
    const int64_t n = clusters.n();
    parallel_for((n + kRowsPerTask - 1) / kRowsPerTask, execution, [&](int64_t t, int) {
      for (int64_t c = t * kRowsPerTask; c < std::min(n, (t + 1) * kRowsPerTask); ++c) {
        lists_[c] = {offsets[c], static_cast<int32_t>(offsets[c + 1] - offsets[c])};
        find_nearest(static_cast<int32_t>(c));
      }
    });
  }

  bool empty(int32_t c) const { return lists_[c].length == 0; }

  void join(int32_t) {}

  void update(int32_t c, Sums& sums, std::vector<int32_t>& orphans) {
    if (clusters_[c].is_union()) {
      update_union(c, sums, orphans);
    } else {
      sums.begin(clusters_.n(), lists_[c].length);
      add_list(lists_[c], sums);
      keep_complete(c, sums, 1);
    }
  }

  // A union is never closer than what was its other part, nor than others were.
  double followed_distance(int32_t, int32_t) const { return NearestCluster::kNowhere; }

 private:
  struct List {
    int64_t begin;
    int32_t length;  // 0: no merge is possible any more
  };

  void update_union(int32_t c, Sums& sums, std::vector<int32_t>& orphans) {
    const List& list = lists_[clusters_[c].absorbed];
    sums.begin(clusters_.n(), int64_t{lists_[c].length} + list.length);
    add_list(lists_[c], sums);
    add_list(list, sums);
    for (const Sum& sum : sums)
      if (clusters_.is_orphan(sum.place, c)) orphans.push_back(sum.place);
    if (list.length < lists_[c].length) lists_[c] = list;
    keep_complete(c, sums, 2);
  }

  // In a list as it was given.
  void find_nearest(int32_t c) {
    const auto tie = clusters_.tie_with(c);
    NearestCluster nearest;
    for (int64_t e = lists_[c].begin; e < lists_[c].begin + lists_[c].length; ++e)
      nearest.take(neighbors_[e], distances_[e], tie);
    clusters_.set_nearest(c, nearest);
  }

  void add_list(const List& list, Sums& sums) const {
    for (int64_t e = list.begin; e < list.begin + list.length; ++e) {
      const MergingClusters::Node node = clusters_.node(neighbors_[e]);
      sums.add(node.place, node.size, distances_[e]);
    }
  }

  // Writes the list of c anew: the clusters that all `n_lists` lists hold completely.
  void keep_complete(int32_t c, const Sums& sums, int32_t n_lists) {
    List& list = lists_[c];
    const auto tie = clusters_.tie_with(c);
    NearestCluster nearest;
    int64_t end = list.begin;
    for (const Sum& sum : sums) {
      const MergingClusters::Cluster& other = clusters_[sum.place];
      if (sum.count != n_lists * other.size || end == list.begin + list.length) continue;
      neighbors_[end] = other.node;
      distances_[end++] = sum.distance;
      nearest.take(sum.place, sum.distance, tie);
    }
    list.length = static_cast<int32_t>(end - list.begin);
    clusters_.set_nearest(c, nearest);
  }

  MergingClusters& clusters_;
  int32_t* const neighbors_;
  double* const distances_;
  std::vector<List> lists_;  // [n] by place
};

}  // namespace

FoundMerges graph_linkage(int64_t n, const int64_t* offsets, int32_t* neighbors, double* distances,
                          const int32_t* firsts, const Execution& execution) {
  if (n > kMaxPoints) throw std::invalid_argument("complete linkage takes at most 2**30 points");
  MergingClusters clusters(static_cast<int32_t>(n), firsts, [](int32_t) { return 1; });
  GraphLists lists(clusters, offsets, neighbors, distances, execution);
  FoundMerges found = MutualNeighbors<GraphLists>(clusters, lists, execution).run();
  // A graph that is as it should be always has a pair that is mutual.
  for (int32_t c = 0; c < n; ++c)
    if (clusters.is_there(c) && !lists.empty(c))
      throw std::invalid_argument("the graph must be symmetric, with every neighbour once in a row");
  return found;
}

}  // namespace bcl
