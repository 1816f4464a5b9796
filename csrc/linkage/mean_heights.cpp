#include "linkage/mean_heights.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace bcl {
namespace {

// What a node of the merges given is: the number of a FoundMerge, the cluster of `means` it lives in, its smallest
// leaf.
struct Node {
  int32_t number, place, first;
  double height;  // beyond the threshold: it was not merged
};

template <class T>
class MeanHeights {
 public:
  MeanHeights(ClusterMeans<T>& means, double distance_threshold)
      : means_(means), distance_threshold_(distance_threshold), n_(static_cast<int32_t>(means.n())), owners_(n_) {
    std::iota(owners_.begin(), owners_.end(), 0);
    for (int32_t c = 0; c < n_; ++c) nodes_.push_back({c, c, c, 0});
  }

  void merge(int32_t left, int32_t right) {
    Node a = nodes_[left], b = nodes_[right];
    if (weight(a) < weight(b)) std::swap(a, b);
    double distance = 0;
    means_.evaluate(a.place, &b.place, 1, &distance);
    const double height = std::max({distance, a.height, b.height});
    const auto number = n_ + static_cast<int32_t>(merges_.size());
    nodes_.push_back({number, a.place, std::min(a.first, b.first), height});
    if (!(height <= distance_threshold_)) return;
    merges_.push_back({a.number, b.number, height});
    means_.merge(a.place, b.place);
    owners_[b.place] = a.place;
  }

  FoundMerges result() {
    return {std::move(merges_), label_by_first_appearance(n_, [this](int32_t c) { return owner(c); })};
  }

 private:
  // As MutualNeighbors has it: the larger takes in the other.
  std::pair<int32_t, int32_t> weight(const Node& node) const { return {means_.size(node.place), -node.first}; }

  int32_t owner(int32_t c) {
    while (owners_[c] != c) c = owners_[c] = owners_[owners_[c]];
    return c;
  }

  ClusterMeans<T>& means_;
  const double distance_threshold_;
  const int32_t n_;
  std::vector<int32_t> owners_;  // [n] the cluster that a cluster was merged into; itself, where it was not
  std::vector<Node> nodes_;
  std::vector<FoundMerge> merges_;
};

}  // namespace

template <class T>
FoundMerges with_mean_heights(const FoundMerges& found, double distance_threshold, ClusterMeans<T>& means) {
  MeanHeights<T> heights(means, distance_threshold);
  for (const FoundMerge& merge : found.merges) heights.merge(merge.a, merge.b);
  return heights.result();
}

template FoundMerges with_mean_heights(const FoundMerges&, double, ClusterMeans<float>&);
template FoundMerges with_mean_heights(const FoundMerges&, double, ClusterMeans<double>&);

}  // namespace bcl
