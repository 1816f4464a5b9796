#include "linkage/dendrogram.h"

#include <algorithm>
#include <numeric>

namespace bcl {

std::vector<Merge> sort_by_height(int64_t n, const std::vector<FoundMerge>& found) {
  std::vector<int32_t> order(found.size()), rank(found.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t s, int32_t t) { return found[s].height < found[t].height; });
  for (size_t t = 0; t < order.size(); ++t) rank[order[t]] = static_cast<int32_t>(t);
  const auto id = [&](int32_t found_id) { return found_id < n ? int64_t{found_id} : n + rank[found_id - n]; };
  std::vector<Merge> merges;
  merges.reserve(order.size());
  const auto size = [&](int64_t cluster) { return cluster < n ? 1 : merges[cluster - n].size; };
  for (const int32_t t : order) {
    const auto [left, right] = std::minmax({id(found[t].a), id(found[t].b)});
    merges.push_back({left, right, found[t].height, size(left) + size(right)});
  }
  return merges;
}

}  // namespace bcl
