// Which clusters may never merge, whatever their distance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/csr.h"

namespace bcl {

// Between clusters 0..n-1: the pairs given, and all pairs of the first n_apart.
class Separations {
 public:
  // pairs: of points, whose clusters are labels[point].
  Separations(const std::vector<int64_t>& labels, int64_t n_clusters, const int32_t* pairs /* [n_pairs, 2] */,
              int64_t n_pairs, int64_t n_apart)
      : n_apart_(n_apart) {
    if (n_pairs == 0) return;
    std::vector<std::pair<int64_t, int32_t>> both;
    for (int64_t p = 0; p < n_pairs; ++p) {
      const int64_t a = labels[pairs[2 * p]], b = labels[pairs[2 * p + 1]];
      both.emplace_back(a, static_cast<int32_t>(b));
      both.emplace_back(b, static_cast<int32_t>(a));
    }
    std::sort(both.begin(), both.end());
    both.erase(std::unique(both.begin(), both.end()), both.end());
    const auto for_each_pair = [&](const auto& entry) {
      for (const auto& [a, b] : both) entry(a, b);
    };
    sort_into_rows(n_clusters, for_each_pair, offsets_, clusters_);
  }

  bool none() const { return offsets_.empty() && n_apart_ < 2; }
  bool separate(int32_t a, int32_t b) const {
    if (std::max(a, b) < n_apart_) return true;
    return !offsets_.empty() && std::binary_search(begin(a), end(a), b);
  }
  bool is_apart(int32_t c) const { return c < n_apart_; }

  // Those that c is separated from by a pair, ascending.
  std::vector<int32_t> partners(int32_t c) const {
    return offsets_.empty() ? std::vector<int32_t>() : std::vector<int32_t>(begin(c), end(c));
  }

 private:
  const int32_t* begin(int32_t c) const { return clusters_.data() + offsets_[c]; }
  const int32_t* end(int32_t c) const { return clusters_.data() + offsets_[c + 1]; }

  int64_t n_apart_;
  std::vector<int64_t> offsets_;  // [n + 1], or empty: no pairs
  std::vector<int32_t> clusters_;
};

}  // namespace bcl
