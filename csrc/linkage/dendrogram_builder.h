// The dendrogram as it grows rung by rung (rungs.h), and the clusters that there are so far.
#pragma once

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
      : found_{{}, std::vector<int64_t>(n)}, distinct_(n) {
    std::vector<int64_t> number(n, -1);
    for (int32_t i = 0; i < n; ++i) {
      int64_t& label = number[must_link_groups == nullptr ? first_identical[i] : must_link_groups[first_identical[i]]];
      if (label < 0) {
        label = n_clusters();
        nodes_.push_back(i);
      } else {
        found_.merges.push_back({nodes_[label], i, 0});
        nodes_[label] = n_nodes() - 1;
      }
      found_.labels[i] = label;
      distinct_[i] = first_identical[i] == i;
    }
    n_given_ = static_cast<int64_t>(found_.merges.size());
  }

  int64_t n_clusters() const { return static_cast<int64_t>(nodes_.size()); }
  const std::vector<int64_t>& labels() const { return found_.labels; }
  bool is_distinct(int32_t i) const { return distinct_[i]; }

  // The first point of each cluster, which ascend: clusters are numbered by first appearance.
  std::vector<int32_t> first_points() const {
    std::vector<int32_t> firsts;
    firsts.reserve(nodes_.size());
    for (size_t i = 0; i < labels().size(); ++i)
      if (labels()[i] == static_cast<int64_t>(firsts.size())) firsts.push_back(static_cast<int32_t>(i));
    return firsts;
  }

  // Adds a rung's merges, which are between the clusters so far.
  void add_rung(const FoundMerges& rung) {
    const auto n = static_cast<int32_t>(n_clusters()), first = n_nodes();
    const auto node = [&](int32_t id) { return id < n ? nodes_[id] : first + id - n; };
    const size_t n_before = found_.merges.size();
    found_.merges.resize(n_before + rung.merges.size());
    for (size_t t = 0; t < rung.merges.size(); ++t) {
      const FoundMerge& merge = rung.merges[t];
      found_.merges[n_before + t] = {node(merge.a), node(merge.b), merge.height};
    }
    std::vector<int32_t> new_nodes(n - rung.merges.size());
    for (int32_t c = 0; c < n; ++c) new_nodes[rung.labels[c]] = nodes_[c];
    // The last merge into a cluster is the cluster.
    std::vector<int64_t> owner(rung.merges.size());
    for (size_t t = 0; t < rung.merges.size(); ++t) {
      const int32_t id = rung.merges[t].a;
      owner[t] = id < n ? rung.labels[id] : owner[id - n];
      new_nodes[owner[t]] = first + static_cast<int32_t>(t);
    }
    nodes_ = std::move(new_nodes);
    for (int64_t& label : found_.labels) label = rung.labels[label];  // still numbered by first appearance
  }

  // The points that were merged from the start first, then all merges by height, whatever rungs they come from.
  Dendrogram result() && { return in_order(std::move(found_), n_given_); }

 private:
  int32_t n_nodes() const { return static_cast<int32_t>(labels().size() + found_.merges.size()); }

  FoundMerges found_;           // between nodes; the labels are the clusters so far
  int64_t n_given_ = 0;         // merges before the first rung
  std::vector<bool> distinct_;  // by point
  std::vector<int32_t> nodes_;  // by cluster
};

}  // namespace bcl
