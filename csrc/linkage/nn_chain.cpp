// Nearest-neighbour chain on lists that are brought up to date only when they are read.
//
// A *node* is a point (0..n-1) or the result of the t-th merge found (n + t); it never changes. A *cluster* is a node
// that has not been merged yet; it lives in one of n slots, and a merge leaves the larger cluster's slot to the new
// one. A list holds entries (node, largest distance): node was a cluster, fully linked to the list's owner, when the
// list was written. Reading a list maps every node to the cluster that holds it now and adds up the nodes' sizes per
// cluster; a cluster whose sum falls short of its size misses a pair, so it can never merge with the owner and is
// dropped.
//
// A cluster's nearest neighbour is remembered. Distances between clusters never shrink (complete linkage takes the
// maximum), so it stays the nearest until it is itself merged; only then is the list scanned again.
//
// Cost: about 2.6 reads per stored entry in all (README.md). Memory: the graph, overwritten, and O(n). A merged
// list is an intersection, so it fits in the room of the shorter parent's list; nothing is allocated per merge.
#include "linkage/nn_chain.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bcl {
namespace {

constexpr int64_t kAskEvery = 1 << 16;   // entries read between two looks at the watch
constexpr int64_t kStepWork = 8;         // a step of the chain, in entries
constexpr int64_t kMaxPoints = 1 << 30;  // 2 n - 1 nodes and twice a cluster's size must fit in int32

// Where a node's points are now, and how many it has.
struct Node {
  int32_t slot, size;
};

// What the lists read so far say about one cluster.
struct Sum {
  double distance = -std::numeric_limits<double>::infinity();  // the largest
  int32_t count = 0;                                           // sizes added up
};

// The cluster in a slot.
struct Cluster {
  int32_t node, size;
};

struct List {
  int64_t begin;
  int32_t length;   // 0: no merge is possible any more
  int32_t nearest;  // node; -1: the list was never read
  double nearest_distance;
};

class NearestNeighborChain {
 public:
  NearestNeighborChain(int64_t n, const int64_t* offsets, int32_t* neighbors, double* distances, const Watch& watch)
      : n_(static_cast<int32_t>(n)),
        neighbors_(neighbors),
        distances_(distances),
        watch_(watch),
        nodes_(2 * n),
        next_in_cluster_(2 * n),
        clusters_(n),
        sums_(n),
        first_point_(n),
        lists_(n) {
    for (int32_t i = 0; i < n_; ++i) {
      nodes_[i] = {i, 1};
      next_in_cluster_[i] = i;
      clusters_[i] = {i, 1};
      first_point_[i] = i;
      lists_[i] = {offsets[i], static_cast<int32_t>(offsets[i + 1] - offsets[i]), -1, 0.0};
    }
  }

  Dendrogram run() {
    for (; n_done_ < n_; ++n_done_) {
      while (lists_[nodes_[n_done_].slot].length > 0) follow_chain_from(nodes_[n_done_].slot);
    }
    return {sort_by_height(n_, merges_), label_by_first_appearance(n_, [this](int32_t i) { return nodes_[i].slot; })};
  }

 private:
  // The top of the chain goes on to its nearest neighbour until two clusters are each other's. What they become is the
  // next top, while its list is warm; what lies below waits, and is often merged before its list must be read.
  void follow_chain_from(int32_t slot) {
    chain_.assign(1, slot);
    while (!chain_.empty()) {
      count_work(kStepWork);
      const int32_t top = chain_.back();
      update_nearest(top);
      if (lists_[top].length == 0) {
        refuse_one_way(top);
        chain_.pop_back();
      } else if (chain_.size() > 1 && are_mutual(chain_[chain_.size() - 2], top)) {
        chain_.pop_back();
        chain_.back() = merge(chain_.back(), top);
      } else {
        if (nodes_[lists_[top].nearest].slot == top) refuse();  // it came twice, by now as a part of its own
        push(nodes_[lists_[top].nearest].slot);
      }
    }
  }

  // The cluster that the predecessor came to must have the predecessor in its list; otherwise the chain would go back
  // and forth for ever. Any other asymmetry ends by itself, for the distances along a chain fall.
  void refuse_one_way(int32_t top) const {
    const int32_t node = clusters_[top].node;  // which may be merged by now
    if (chain_.size() > 1 && lists_[chain_[chain_.size() - 2]].nearest == node && is_cluster(node)) refuse();
  }

  [[noreturn]] static void refuse() {
    throw std::invalid_argument("the graph must be symmetric, with every neighbour once in a row");
  }

  // The chain only saves searching for a place to start: it is cut when it would outgrow O(n).
  void push(int32_t slot) {
    if (chain_.size() > nodes_.size()) chain_.erase(chain_.begin(), chain_.end() - 1);
    chain_.push_back(slot);
  }

  // Whether the predecessor came to the top as its nearest, and the top has none nearer: a tie goes to the predecessor.
  bool are_mutual(int32_t predecessor, int32_t top) const {
    return lists_[predecessor].nearest == clusters_[top].node &&
           lists_[top].nearest_distance >= lists_[predecessor].nearest_distance;
  }

  void update_nearest(int32_t slot) {
    const List& list = lists_[slot];
    if (list.length > 0 && (list.nearest < 0 || !is_cluster(list.nearest))) scan(slot);
  }

  bool is_cluster(int32_t node) const { return clusters_[nodes_[node].slot].node == node; }

  // Brings a list up to date and finds its nearest cluster.
  void scan(int32_t slot) {
    List& list = lists_[slot];
    keep_complete(list, sum_list(list), 1);
  }

  // Merges the clusters in two slots; returns the slot of the result. Its list: the clusters that both lists hold
  // completely.
  int32_t merge(int32_t a, int32_t b) {
    for (const int32_t node : {clusters_[a].node, clusters_[b].node})
      if (node >= n_ && lists_[a].nearest_distance < merges_[node - n_].height) refuse();  // else it never falls
    merges_.push_back({clusters_[a].node, clusters_[b].node, lists_[a].nearest_distance});
    if (lists_[b].length < lists_[a].length) std::swap(a, b);
    List list = lists_[a];
    const int32_t found = sum_list(list);
    add_list(lists_[b]);
    keep_complete(list, found, 2);
    const int32_t slot = join(a, b);
    lists_[slot] = list;
    return slot;
  }

  // Adds a list to the sums; leaves the slots of the distinct clusters at its front and returns their number.
  int32_t sum_list(const List& list) {
    count_work(list.length);
    int32_t* neighbors = neighbors_ + list.begin;
    const double* distances = distances_ + list.begin;
    int32_t found = 0;
    for (int32_t i = 0; i < list.length; ++i) {
      const Node node = nodes_[neighbors[i]];
      Sum& sum = sums_[node.slot];
      neighbors[found] = node.slot;
      found += sum.count == 0;
      sum.distance = std::max(sum.distance, distances[i]);
      sum.count += node.size;
    }
    return found;
  }

  // Adds a second list to the sums of the clusters that the first one has.
  void add_list(const List& list) {
    count_work(list.length);
    const int32_t* neighbors = neighbors_ + list.begin;
    const double* distances = distances_ + list.begin;
    for (int32_t i = 0; i < list.length; ++i) {
      const Node node = nodes_[neighbors[i]];
      Sum& sum = sums_[node.slot];
      if (sum.count == 0) continue;
      sum.distance = std::max(sum.distance, distances[i]);
      sum.count += node.size;
    }
  }

  // Writes the list anew from the sums of `found` clusters, those that all `n_lists` lists hold completely.
  void keep_complete(List& list, int32_t found, int32_t n_lists) {
    int32_t* neighbors = neighbors_ + list.begin;
    double* distances = distances_ + list.begin;
    int32_t kept = 0, nearest = -1;
    double nearest_distance = std::numeric_limits<double>::infinity();
    for (int32_t i = 0; i < found; ++i) {
      const int32_t slot = neighbors[i];
      const Sum sum = std::exchange(sums_[slot], Sum{});
      const Cluster cluster = clusters_[slot];
      const bool complete = sum.count == n_lists * cluster.size;
      neighbors[kept] = cluster.node;
      distances[kept] = sum.distance;
      kept += complete;
      if (complete && sum.distance <= nearest_distance &&
          (sum.distance < nearest_distance || nearest < 0 || first_point_[slot] < first_point_[nearest])) {
        nearest = slot;
        nearest_distance = sum.distance;
      }
    }
    list.length = kept;
    list.nearest = nearest < 0 ? -1 : clusters_[nearest].node;
    list.nearest_distance = nearest_distance;
  }

  // Makes the clusters in two slots one node, in the slot of the larger, which is returned.
  int32_t join(int32_t a, int32_t b) {
    if (clusters_[a].size < clusters_[b].size) std::swap(a, b);
    const int32_t node = n_ + static_cast<int32_t>(merges_.size()) - 1;
    const int32_t last = clusters_[b].node;
    for (int32_t i = last;;) {
      nodes_[i].slot = a;
      i = next_in_cluster_[i];
      if (i == last) break;
    }
    // ring of a + ring of b + the new node
    next_in_cluster_[node] = next_in_cluster_[clusters_[a].node];
    next_in_cluster_[clusters_[a].node] = next_in_cluster_[last];
    next_in_cluster_[last] = node;
    clusters_[a] = {node, clusters_[a].size + clusters_[b].size};
    nodes_[node] = {a, clusters_[a].size};
    first_point_[a] = std::min(first_point_[a], first_point_[b]);
    lists_[b].length = 0;
    lists_[b].nearest = -1;
    return a;
  }

  void count_work(int64_t n_entries) {
    work_ += n_entries;
    if (work_ < kAskEvery) return;
    work_ = 0;
    if (watch_ && watch_(static_cast<double>(n_done_) / n_)) throw Interrupted();
  }

  const int32_t n_;
  int32_t* const neighbors_;
  double* const distances_;
  const Watch& watch_;
  std::vector<Node> nodes_;               // [2 n]
  std::vector<int32_t> next_in_cluster_;  // [2 n] the nodes of a cluster, in a ring
  std::vector<Cluster> clusters_;         // [n] by slot
  std::vector<Sum> sums_;                 // [n] by slot; empty between two readings
  std::vector<int32_t> first_point_;      // [n] by slot; settles ties
  std::vector<List> lists_;               // [n] by slot
  std::vector<int32_t> chain_;            // slots
  std::vector<FoundMerge> merges_;        // between nodes
  int32_t n_done_ = 0;                    // points whose clusters are final
  int64_t work_ = 0;
};

}  // namespace

Dendrogram nn_chain(int64_t n, const int64_t* offsets, int32_t* neighbors, double* distances,
                    const Execution& execution) {
  if (n > kMaxPoints) throw std::invalid_argument("complete linkage takes at most 2**30 points");
  const Watch watch = execution.stage("merges", n);
  return NearestNeighborChain(n, offsets, neighbors, distances, watch).run();
}

}  // namespace bcl
