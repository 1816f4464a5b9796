#include "linkage/dendrogram.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace bcl {

namespace {

// Where a merge stands among the others.
struct Rank {
  double height;
  int32_t tie, first;
  bool operator<(const Rank& other) const {
    return std::tie(height, tie, first) < std::tie(other.height, other.tie, other.first);
  }
};

// After those of its parts, in any case: a height may have been rounded.
std::vector<Rank> ranks_of(int64_t n, const std::vector<FoundMerge>& found) {
  std::vector<int32_t> first(found.size());  // the smallest number in each cluster
  std::vector<Rank> ranks(found.size());
  for (size_t t = 0; t < found.size(); ++t) {
    const auto first_of = [&](int32_t id) { return id < n ? id : first[id - n]; };
    const int32_t a = first_of(found[t].a), b = first_of(found[t].b);
    first[t] = std::min(a, b);
    ranks[t] = {found[t].height, a ^ b, first[t]};
    for (const int32_t part : {found[t].a, found[t].b})
      if (part >= n) ranks[t] = std::max(ranks[t], ranks[part - n]);
  }
  return ranks;
}

}  // namespace

std::vector<Merge> sort_by_height(int64_t n, const std::vector<FoundMerge>& found) {
  const std::vector<Rank> ranks = ranks_of(n, found);
  std::vector<int32_t> order(found.size()), rank(found.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t s, int32_t t) { return ranks[s] < ranks[t]; });
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
