// A cluster lives in the slot of its first part, as the node of the dendrogram that it is. `active_` holds, ascending,
// the slots of clusters that may still merge: one whose nearest is beyond the threshold never will, for no distance
// falls below the smaller of the two that it comes from (both linkages are reducible). For the same reason a cluster's
// nearest, once found, stays the nearest until it is itself merged.
#include "linkage/dense_linkage.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bcl {
namespace {

constexpr int64_t kAskEvery = 1 << 22;   // pairs read between two looks at the watch
constexpr int64_t kMaxPoints = 1 << 30;  // 2 n - 1 nodes must fit in int32
constexpr int32_t kNone = -1;

template <class T, Linkage linkage>
class DenseChain {
 public:
  DenseChain(int64_t n, T* distances, const DenseOptions& options, const Watch& watch)
      : n_(static_cast<int32_t>(n)),
        rows_(n),
        distances_(distances),
        threshold_(options.threshold),
        watch_(watch),
        nodes_(n),
        sizes_(n, 1),
        firsts_(n),
        slots_(2 * n),
        owners_(n),
        nearest_(n, kNone),
        nearest_distances_(n, kInfinity),
        active_(n) {
    for (std::vector<int32_t>* numbers : {&nodes_, &slots_, &owners_, &active_, &firsts_})
      std::iota(numbers->begin(), numbers->end(), 0);
    if (options.sizes != nullptr) std::copy_n(options.sizes, n, sizes_.begin());
    if (options.firsts != nullptr) std::copy_n(options.firsts, n, firsts_.begin());
    for (int64_t p = 0; p < options.n_cannot_link; ++p) separate(options.cannot_link + 2 * p);
    if (options.must_link_groups != nullptr) merge_groups(options.must_link_groups);
  }

  FoundMerges run() {
    find_all_nearest();
    for (; n_done_ < n_; ++n_done_)
      while (owners_[n_done_] == n_done_ && may_merge(n_done_)) follow_chain_from(n_done_);
    return {std::move(merges_), labels()};
  }

 private:
  static constexpr T kInfinity = std::numeric_limits<T>::infinity();

  T& entry(int32_t a, int32_t b) const { return distances_[rows_.begin(std::min(a, b)) + std::max(a, b)]; }

  // What the entry of two slots says.
  T distance(int32_t a, int32_t b, T entry) const {
    if constexpr (linkage == Linkage::complete) return entry;
    return static_cast<T>(static_cast<double>(entry) / (static_cast<double>(sizes_[a]) * sizes_[b]));
  }

  static T combined(T left, T right) {
    if constexpr (linkage == Linkage::complete) return std::max(left, right);
    return left + right;
  }

  void separate(const int32_t* pair) {
    if (pair[0] != pair[1]) entry(pair[0], pair[1]) = kInfinity;
  }

  void merge_groups(const int32_t* groups) {
    std::vector<int32_t> first(n_, kNone);
    for (int32_t i = 0; i < n_; ++i) {
      int32_t& slot = first[groups[i]];
      if (slot == kNone) {
        slot = i;
      } else {
        merge(slot, i, 0);
      }
    }
  }

  // In the order of the vector, each distance read once.
  void find_all_nearest() {
    std::fill(nearest_distances_.begin(), nearest_distances_.end(), kInfinity);
    for (const int32_t a : active_) {
      const T* const row = distances_ + rows_.begin(a);
      T best = nearest_distances_[a];
      int32_t nearest = nearest_[a];
      for (auto b = std::upper_bound(active_.begin(), active_.end(), a); b != active_.end(); ++b) {
        const T d = distance(a, *b, row[*b]);
        if (is_nearer(*b, a, d, nearest_[*b], nearest_distances_[*b])) {
          nearest_distances_[*b] = d;
          nearest_[*b] = nodes_[a];
        }
        if (is_nearer(a, *b, d, nearest, best)) {
          best = d;
          nearest = nodes_[*b];
        }
      }
      set_nearest(a, nearest, best);
      count_work(n_ - a);
    }
    active_.erase(std::remove_if(active_.begin(), active_.end(), [this](int32_t a) { return nearest_[a] == kNone; }),
                  active_.end());
  }

  // Whether `other` comes before what was the nearest of a slot.
  bool is_nearer(int32_t slot, int32_t other, T distance, int32_t nearest_node, T nearest_distance) const {
    if (!(distance <= nearest_distance)) return false;
    if (distance < nearest_distance) return true;
    return nearest_node != kNone &&
           tie_of(firsts_[slot], firsts_[other]) < tie_of(firsts_[slot], firsts_[slots_[nearest_node]]);
  }

  // kNone where it is too far away.
  void set_nearest(int32_t slot, int32_t node, T distance) {
    nearest_[slot] = static_cast<double>(distance) <= threshold_ ? node : kNone;
    nearest_distances_[slot] = distance;
  }

  // From the top to its nearest, until two are each other's; what they become is the next top.
  void follow_chain_from(int32_t slot) {
    chain_.assign(1, slot);
    while (!chain_.empty()) {
      const int32_t top = chain_.back();
      if (!may_merge(top)) {
        chain_.pop_back();
      } else if (chain_.size() > 1 && are_mutual(chain_[chain_.size() - 2], top)) {
        chain_.pop_back();
        const int32_t other = chain_.back();
        chain_.back() = std::min(top, other);
        merge(std::min(top, other), std::max(top, other), nearest_distances_[other]);
      } else {
        chain_.push_back(slots_[nearest_[top]]);
      }
    }
  }

  // Whether the predecessor came to the top as its nearest, and the top has none nearer. Means are rounded, and a union
  // may be nearer than its parts were but for that: so the top's nearest may be farther than the predecessor is.
  bool are_mutual(int32_t predecessor, int32_t top) const {
    if (nearest_[predecessor] != nodes_[top]) return false;
    return nearest_[top] == nodes_[predecessor] ||
           is_nearer(top, predecessor, nearest_distances_[predecessor], nearest_[top], nearest_distances_[top]);
  }

  // Finds the nearest anew where what it was has merged; gives up a cluster that has none near.
  bool may_merge(int32_t slot) {
    if (nearest_[slot] == kNone) return false;
    if (nodes_[slots_[nearest_[slot]]] == nearest_[slot]) return true;
    find_nearest(slot, [this, slot](int32_t other) { return entry(slot, other); });
    return nearest_[slot] != kNone;
  }

  // Among the active slots, by their entries with the slot.
  template <class Entry>
  void find_nearest(int32_t slot, const Entry& entry_of) {
    T best = kInfinity;
    int32_t nearest = kNone;
    for (const int32_t other : active_) {
      if (other == slot) continue;
      const T d = distance(slot, other, entry_of(other));
      if (is_nearer(slot, other, d, nearest, best)) {
        best = d;
        nearest = nodes_[other];
      }
    }
    set_nearest(slot, nearest, best);
    if (nearest_[slot] == kNone) deactivate(slot);
    count_work(static_cast<int64_t>(active_.size()));
  }

  void deactivate(int32_t slot) {
    const auto place = std::lower_bound(active_.begin(), active_.end(), slot);
    if (place != active_.end() && *place == slot) active_.erase(place);
  }

  // What the clusters in two slots, a < b, become lives in slot a.
  void merge(int32_t a, int32_t b, T height) {
    merges_.push_back({nodes_[a], nodes_[b], static_cast<double>(height)});
    deactivate(b);
    owners_[b] = a;
    nearest_[b] = kNone;
    sizes_[a] += sizes_[b];
    find_nearest(a, [this, a, b](int32_t other) {
      T& both = entry(a, other);
      both = combined(both, entry(b, other));
      return both;
    });
    nodes_[a] = n_ + static_cast<int32_t>(merges_.size()) - 1;
    slots_[nodes_[a]] = a;
    nodes_[b] = kNone;
  }

  std::vector<int64_t> labels() const {
    std::vector<int64_t> labels(n_);
    int64_t n_labels = 0;
    for (int32_t i = 0; i < n_; ++i) labels[i] = owners_[i] == i ? n_labels++ : labels[owners_[i]];
    return labels;
  }

  void count_work(int64_t n_pairs) {
    work_ += n_pairs;
    if (work_ < kAskEvery) return;
    work_ = 0;
    if (watch_ && watch_(static_cast<double>(merges_.size()) / n_)) throw Interrupted();
  }

  const int32_t n_;
  const CondensedRows rows_;
  T* const distances_;
  const double threshold_;
  const Watch& watch_;
  std::vector<int32_t> nodes_;        // [n] by slot; kNone: merged into another
  std::vector<int32_t> sizes_;        // [n] by slot
  std::vector<int32_t> firsts_;       // [n] by slot
  std::vector<int32_t> slots_;        // [2 n] by node
  std::vector<int32_t> owners_;       // [n] the slot that a slot was merged into; its own, where it was not
  std::vector<int32_t> nearest_;      // [n] by slot: a node; kNone: no merge is possible any more
  std::vector<T> nearest_distances_;  // [n] by slot
  std::vector<int32_t> active_;       // slots
  std::vector<int32_t> chain_;        // slots
  std::vector<FoundMerge> merges_;    // between nodes
  int32_t n_done_ = 0;                // points whose clusters are final
  int64_t work_ = 0;
};

}  // namespace

template <class T>
FoundMerges dense_linkage(int64_t n, T* distances, const DenseOptions& options, const Execution& execution) {
  if (n > kMaxPoints) throw std::invalid_argument("linkage takes at most 2**30 points");
  const Watch watch = execution.stage("merges", n);
  if (options.linkage == Linkage::complete) return DenseChain<T, Linkage::complete>(n, distances, options, watch).run();
  return DenseChain<T, Linkage::average>(n, distances, options, watch).run();
}

template FoundMerges dense_linkage(int64_t, float*, const DenseOptions&, const Execution&);
template FoundMerges dense_linkage(int64_t, double*, const DenseOptions&, const Execution&);

}  // namespace bcl
