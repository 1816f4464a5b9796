// The dendrogram as it grows rung by rung (rungs.h), and the clusters that there are so far.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "linkage/dendrogram.h"

namespace bcl {

// The clusters are kept with the nodes of the dendrogram that they are. Of identical points that have merged only the
// first, the distinct one, need be looked at any more.
class DendrogramBuilder {
 public:
  // A point starts in its must-link group, or else in that of the first point that equals it.
  DendrogramBuilder(int64_t n, const int32_t* must_link_groups, const std::vector<int32_t>& first_identical)
      : n_(n), labels_(n), distinct_(n) {
    std::vector<int64_t> number(n, -1);
    for (int32_t i = 0; i < n; ++i) {
      int64_t& label = number[must_link_groups == nullptr ? first_identical[i] : must_link_groups[first_identical[i]]];
      if (label < 0) {
        label = n_clusters();
        nodes_.push_back(i);
      } else {
        nodes_[label] = add_merge(nodes_[label], i, 0);
      }
      labels_[i] = label;
      distinct_[i] = first_identical[i] == i;
    }
  }

  int64_t n_clusters() const { return static_cast<int64_t>(nodes_.size()); }
  const std::vector<int64_t>& labels() const { return labels_; }
  bool is_distinct(int32_t i) const { return distinct_[i]; }

  // Adds a rung's merges. They are between the clusters so far: n_clusters() + t is what the t-th of them made.
  void add_rung(const Dendrogram& rung) {
    const int64_t n = n_clusters(), first = n_ + static_cast<int64_t>(merges_.size());
    const auto node = [&](int64_t id) { return id < n ? nodes_[id] : first + id - n; };
    const double reached = merges_.empty() ? 0 : merges_.back().height;  // rounding may put a height below
    for (const Merge& merge : rung.merges)
      add_merge(node(merge.left), node(merge.right), std::max(reached, merge.height));
    std::vector<int64_t> new_nodes(n - rung.merges.size());
    for (int64_t c = 0; c < n; ++c) new_nodes[rung.labels[c]] = nodes_[c];
    // The last merge into a cluster is the cluster.
    std::vector<int64_t> owner(rung.merges.size());
    for (size_t t = 0; t < rung.merges.size(); ++t) {
      const int64_t id = rung.merges[t].left;
      owner[t] = id < n ? rung.labels[id] : owner[id - n];
      new_nodes[owner[t]] = first + static_cast<int64_t>(t);
    }
    nodes_ = std::move(new_nodes);
    for (int64_t& label : labels_) label = rung.labels[label];  // still numbered by first appearance
  }

  Dendrogram result() && { return {std::move(merges_), std::move(labels_)}; }

 private:
  int64_t size(int64_t node) const { return node < n_ ? 1 : merges_[node - n_].size; }

  int64_t add_merge(int64_t a, int64_t b, double height) {
    merges_.push_back({std::min(a, b), std::max(a, b), height, size(a) + size(b)});
    return n_ + static_cast<int64_t>(merges_.size()) - 1;
  }

  const int64_t n_;
  std::vector<int64_t> labels_;  // by point
  std::vector<bool> distinct_;   // by point
  std::vector<int64_t> nodes_;   // by cluster
  std::vector<Merge> merges_;
};

}  // namespace bcl
