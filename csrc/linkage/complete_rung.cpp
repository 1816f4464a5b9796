#include "linkage/complete_rung.h"

#include <algorithm>

#include "linkage/exact_heights.h"
#include "linkage/graph_linkage.h"
#include "runtime/csr.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

// A rung's pairs as lists: both directions, each row's neighbours in no order.
struct Graph {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> neighbors;
  UninitializedVector<double> distances;

  Graph(int64_t n, const std::vector<ClusterPair>& pairs, const Execution& execution) {
    sort_into_rows(
        n, [&](const auto& entry) { for_each_direction(pairs, entry); }, execution, offsets, neighbors, distances);
  }
};

}  // namespace

RungMerges merge_along(int64_t n, const std::vector<ClusterPair>& pairs, const Execution& execution) {
  Graph graph(n, pairs, execution);
  Dendrogram found = graph_linkage(n, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(), execution);
  std::vector<ClusterPair> sources = pairs_of_heights(found.merges, pairs, execution);
  return {std::move(found), std::move(sources)};
}

Dendrogram with_heights(int64_t n, const Dendrogram& found, const double* heights) {
  std::vector<FoundMerge> merges(found.merges.size());
  for (size_t t = 0; t < merges.size(); ++t) {
    merges[t] = {static_cast<int32_t>(found.merges[t].left), static_cast<int32_t>(found.merges[t].right), heights[t]};
    // Rounding may have put a union below one of its parts.
    for (const int32_t part : {merges[t].a, merges[t].b})
      if (part >= n) merges[t].height = std::max(merges[t].height, merges[part - n].height);
  }
  return {sort_by_height(n, merges), found.labels};
}

}  // namespace bcl
