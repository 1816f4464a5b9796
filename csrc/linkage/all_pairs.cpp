#include "linkage/all_pairs.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "distance/exact_tile.h"
#include "linkage/condense.h"
#include "runtime/thread_scratch.h"
#include "screen/candidate_source.h"

namespace bcl {
namespace {

// A task's clusters have a tile's rows of points together, those of the last may have fewer.
std::vector<int64_t> tasks_of(const Clusters& clusters) {
  std::vector<int64_t> first = {0};
  for (int64_t c = 1; c < clusters.n(); ++c)
    if (clusters.offsets[c] - clusters.offsets[first.back()] >= ExactTile::kRows) first.push_back(c);
  first.push_back(clusters.n());
  return first;
}

template <class T>
class LargestDistancesOfAll {
 public:
  LargestDistancesOfAll(const T* points, int64_t d, const Clusters& clusters, const std::vector<int32_t>& ranks,
                        double* condensed)
      : points_(points),
        d_(d),
        clusters_(clusters),
        rank_(clusters.members.size()),
        rows_(clusters.n()),
        condensed_(condensed) {
    for (int64_t c = 0; c < clusters.n(); ++c)
      for (int64_t m = clusters.offsets[c]; m < clusters.offsets[c + 1]; ++m) rank_[m] = ranks[c];
    are_points_ = static_cast<int64_t>(rank_.size()) == clusters.n() && std::is_sorted(ranks.begin(), ranks.end());
  }

  // All pairs of the clusters [first, last) with those behind them, and among themselves.
  void measure(int64_t first, int64_t last, ExactTile& tile) const {
    const auto n = static_cast<int64_t>(clusters_.members.size()), end = clusters_.offsets[last];
    if (!are_points_) clear(first, last);
    const int32_t* const members = clusters_.members.data();
    for (int64_t row = clusters_.offsets[first]; row < end; row += ExactTile::kRows)
      for (int64_t column = row; column < n; column += ExactTile::kColumns) {
        const int64_t n_rows = std::min(ExactTile::kRows, end - row);
        const int64_t n_columns = std::min(ExactTile::kColumns, n - column);
        tile.measure(points_, d_, members + row, n_rows, members + column, n_columns);
        for (int64_t r = 0; r < n_rows; ++r) take_larger(row + r, column, n_columns, tile.distances(r));
      }
  }

 private:
  void clear(int64_t first, int64_t last) const {
    for (int64_t c = first; c < last; ++c)
      for (int64_t other = c + 1; other < clusters_.n(); ++other)
        entry(rank_[clusters_.offsets[c]], rank_[clusters_.offsets[other]]) = 0;
  }

  double& entry(int32_t a, int32_t b) const { return condensed_[rows_.begin(std::min(a, b)) + std::max(a, b)]; }

  void take_larger(int64_t row, int64_t column, int64_t n_columns, const double* distances) const {
    const int64_t first = std::max<int64_t>(0, row + 1 - column);
    if (are_points_) {
      if (first < n_columns)
        std::copy(distances + first, distances + n_columns, condensed_ + rows_.begin(row) + column + first);
      return;
    }
    const int32_t rank = rank_[row];
    for (int64_t c = first; c < n_columns; ++c) {
      const int32_t other = rank_[column + c];
      if (other == rank) continue;
      double& distance = entry(rank, other);
      distance = std::max(distance, distances[c]);
    }
  }

  const T* const points_;
  const int64_t d_;
  const Clusters& clusters_;
  std::vector<int32_t> rank_;  // of the cluster, by member
  bool are_points_;            // one in each cluster, in the order of the vector: nothing to compare
  const CondensedRows rows_;
  double* const condensed_;
};

void separate(const Separations& separations, int64_t n, double* condensed) {
  if (separations.none()) return;
  const CondensedRows rows(n);
  for (int32_t i = 0; i < n; ++i)
    for (int32_t j = i + 1; j < n; ++j)
      if (separations.separate(i, j)) condensed[rows.begin(i) + j] = std::numeric_limits<double>::infinity();
}

}  // namespace

template <class T>
Condensed all_largest_distances(const T* points, int64_t d, const Clusters& clusters, const std::vector<int32_t>& ranks,
                                const Separations& separations, const Execution& execution) {
  const int64_t n = clusters.n();
  const Watch watch = execution.stage("pairs", n);
  Condensed condensed(CondensedRows::size(n));
  const LargestDistancesOfAll<T> all(points, d, clusters, ranks, condensed.data());
  const std::vector<int64_t> tasks = tasks_of(clusters);
  ThreadScratch<ExactTile> tiles(execution);
  parallel_for(
      static_cast<int64_t>(tasks.size()) - 1, execution,
      [&](int64_t t, int thread) { all.measure(tasks[t], tasks[t + 1], tiles[thread]); }, upper_triangle(watch));
  separate(separations, n, condensed.data());
  return condensed;
}

template <class T>
Condensed all_distance_sums(const ClusterMeans<T>& means, const Separations& separations, const Execution& execution) {
  const int64_t n = means.n();
  const Watch watch = execution.stage("pairs", n);
  const CondensedRows rows(n);
  Condensed condensed(CondensedRows::size(n));
  std::vector<int32_t> names(n);
  std::iota(names.begin(), names.end(), 0);
  parallel_for(
      n, execution,
      [&](int64_t i, int) {
        means.sum(static_cast<int32_t>(i), names.data() + i + 1, n - i - 1, condensed.data() + rows.begin(i) + i + 1);
      },
      upper_triangle(watch));
  separate(separations, n, condensed.data());
  return condensed;
}

template Condensed all_largest_distances(const float*, int64_t, const Clusters&, const std::vector<int32_t>&,
                                         const Separations&, const Execution&);
template Condensed all_largest_distances(const double*, int64_t, const Clusters&, const std::vector<int32_t>&,
                                         const Separations&, const Execution&);
template Condensed all_distance_sums(const ClusterMeans<float>&, const Separations&, const Execution&);
template Condensed all_distance_sums(const ClusterMeans<double>&, const Separations&, const Execution&);

}  // namespace bcl
