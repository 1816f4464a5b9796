#include "linkage/complete_rung.h"

#include <algorithm>

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

FoundMerges merge_along(const std::vector<int32_t>& firsts, const std::vector<ClusterPair>& pairs,
                        const Execution& execution) {
  const auto n = static_cast<int64_t>(firsts.size());
  Graph graph(n, pairs, execution);
  return graph_linkage(n, graph.offsets.data(), graph.neighbors.data(), graph.distances.data(), firsts.data(),
                       execution);
}

void set_heights(FoundMerges& found, const std::vector<HeightSource>& sources, const double* distances) {
  for (FoundMerge& merge : found.merges) merge.height = 0;
  for (size_t s = 0; s < sources.size(); ++s) {
    double& height = found.merges[sources[s].merge].height;
    height = std::max(height, distances[s]);
  }
}

}  // namespace bcl
