#include "linkage/dendrogram.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace bcl {

namespace {

// Where a merge stands among the others. Two are alike only where rounding has put one below the other, its part, which
// was found before it.
struct Rank {
  double height;
  int32_t tie, first, number;  // number: in the order in which they were found
  bool operator<(const Rank& other) const {
    return std::tie(height, tie, first, number) < std::tie(other.height, other.tie, other.first, other.number);
  }
};

// By number. No merge has to wait for one of the first n_given.
std::vector<Rank> ranks_of(int32_t n, const std::vector<FoundMerge>& found, int64_t n_given) {
  std::vector<int32_t> first(found.size());  // the smallest number in each cluster
  std::vector<Rank> ranks(found.size());
  for (size_t t = 0; t < found.size(); ++t) {
    const auto first_of = [&](int32_t id) { return id < n ? id : first[id - n]; };
    const int32_t a = first_of(found[t].a), b = first_of(found[t].b);
    first[t] = std::min(a, b);
    Rank rank{found[t].height, tie_of(a, b), first[t], 0};
    for (const int32_t part : {found[t].a, found[t].b})
      if (part >= n + n_given) rank = std::max(rank, ranks[part - n]);
    rank.number = static_cast<int32_t>(t);
    ranks[t] = rank;
  }
  return ranks;
}

}  // namespace

Dendrogram in_order(FoundMerges found, int64_t n_given) {
  const auto n = static_cast<int32_t>(found.labels.size());
  std::vector<Rank> ranks = ranks_of(n, found.merges, n_given);
  std::sort(ranks.begin() + n_given, ranks.end());
  std::vector<int32_t> place(ranks.size());
  for (size_t t = 0; t < ranks.size(); ++t) place[ranks[t].number] = static_cast<int32_t>(t);
  const auto id = [&](int32_t found_id) { return found_id < n ? int64_t{found_id} : n + place[found_id - n]; };
  std::vector<Merge> merges;
  merges.reserve(ranks.size());
  const auto size = [&](int64_t cluster) { return cluster < n ? 1 : merges[cluster - n].size; };
  for (const Rank& rank : ranks) {
    const FoundMerge& merge = found.merges[rank.number];
    const auto [left, right] = std::minmax({id(merge.a), id(merge.b)});
    merges.push_back({left, right, rank.height, size(left) + size(right)});
  }
  return {std::move(merges), std::move(found.labels)};
}

}  // namespace bcl
