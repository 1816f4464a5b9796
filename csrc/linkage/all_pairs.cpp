#include "linkage/all_pairs.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "linkage/condense.h"
#include "runtime/thread_scratch.h"
#include "screen/candidate_source.h"
#include "simd/exact_kernels.h"

namespace bcl {
namespace {

// A tile of points: its rows and columns of so many features, and their sums, stay in the second-level cache.
constexpr int64_t kRows = 96, kColumns = 64, kFeatures = 128;

// A task's clusters have at least kRows points together, those of the last may have fewer.
std::vector<int64_t> tasks_of(const Clusters& clusters) {
  std::vector<int64_t> first = {0};
  for (int64_t c = 1; c < clusters.n(); ++c)
    if (clusters.offsets[c] - clusters.offsets[first.back()] >= kRows) first.push_back(c);
  first.push_back(clusters.n());
  return first;
}

// What a thread works in. Columns are written panel by panel: feature p of column c of a panel is at
// p * panel_width + c.
struct Tile {
  std::vector<double> rows = std::vector<double>(kRows * kFeatures);
  std::vector<double> columns = std::vector<double>(kColumns * kFeatures);
  std::vector<double> sums = std::vector<double>(kRows * kColumns);
};

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
  void measure(int64_t first, int64_t last, Tile& tile) const {
    const auto n = static_cast<int64_t>(clusters_.members.size()), end = clusters_.offsets[last];
    if (!are_points_) clear(first, last);
    for (int64_t row = clusters_.offsets[first]; row < end; row += kRows)
      for (int64_t column = row; column < n; column += kColumns)
        measure_tile(row, std::min(kRows, end - row), column, std::min(kColumns, n - column), tile);
  }

 private:
  void clear(int64_t first, int64_t last) const {
    for (int64_t c = first; c < last; ++c)
      for (int64_t other = c + 1; other < clusters_.n(); ++other)
        entry(rank_[clusters_.offsets[c]], rank_[clusters_.offsets[other]]) = 0;
  }

  double& entry(int32_t a, int32_t b) const { return condensed_[rows_.begin(std::min(a, b)) + std::max(a, b)]; }

  const T* point(int64_t member) const { return points_ + clusters_.members[member] * d_; }

  void measure_tile(int64_t row, int64_t n_rows, int64_t column, int64_t n_columns, Tile& tile) const {
    const ExactTiles& kernels = exact_tiles();
    const int64_t width = kernels.panel_width;
    std::fill(tile.sums.begin(), tile.sums.end(), 0.0);
    for (int64_t feature = 0; feature < d_; feature += kFeatures) {
      const int64_t depth = std::min(kFeatures, d_ - feature);
      for (int64_t r = 0; r < n_rows; ++r)
        std::copy_n(point(row + r) + feature, depth, tile.rows.data() + r * kFeatures);
      for (int64_t c = 0; c < n_columns; ++c) {
        const T* const from = point(column + c) + feature;
        double* const to = tile.columns.data() + c / width * width * kFeatures + c % width;
        for (int64_t p = 0; p < depth; ++p) to[p * width] = static_cast<double>(from[p]);
      }
      for (int64_t c = 0; c < n_columns; c += width)
        kernels.add_squares(tile.rows.data(), kFeatures, n_rows, tile.columns.data() + c * kFeatures, depth,
                            tile.sums.data() + c, kColumns);
    }
    for (int64_t r = 0; r < n_rows; ++r) take_larger(row + r, column, n_columns, tile.sums.data() + r * kColumns);
  }

  void take_larger(int64_t row, int64_t column, int64_t n_columns, const double* sums) const {
    const int64_t first = std::max<int64_t>(0, row + 1 - column);
    if (are_points_) {
      if (first < n_columns) std::copy(sums + first, sums + n_columns, condensed_ + rows_.begin(row) + column + first);
      return;
    }
    const int32_t rank = rank_[row];
    for (int64_t c = first; c < n_columns; ++c) {
      const int32_t other = rank_[column + c];
      if (other == rank) continue;
      double& distance = entry(rank, other);
      distance = std::max(distance, sums[c]);
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
  ThreadScratch<Tile> tiles(execution);
  parallel_for(
      static_cast<int64_t>(tasks.size()) - 1, execution,
      [&](int64_t t, int thread) { all.measure(tasks[t], tasks[t + 1], tiles[thread]); }, upper_triangle(watch));
  separate(separations, n, condensed.data());
  return condensed;
}

template <class T>
Condensed all_mean_distances(const ClusterMeans<T>& means, const Separations& separations, const Execution& execution) {
  const int64_t n = means.n();
  const Watch watch = execution.stage("pairs", n);
  const CondensedRows rows(n);
  Condensed condensed(CondensedRows::size(n));
  std::vector<int32_t> names(n);
  std::iota(names.begin(), names.end(), 0);
  parallel_for(
      n, execution,
      [&](int64_t i, int) {
        means.evaluate(static_cast<int32_t>(i), names.data() + i + 1, n - i - 1,
                       condensed.data() + rows.begin(i) + i + 1);
      },
      upper_triangle(watch));
  separate(separations, n, condensed.data());
  return condensed;
}

template Condensed all_largest_distances(const float*, int64_t, const Clusters&, const std::vector<int32_t>&,
                                         const Separations&, const Execution&);
template Condensed all_largest_distances(const double*, int64_t, const Clusters&, const std::vector<int32_t>&,
                                         const Separations&, const Execution&);
template Condensed all_mean_distances(const ClusterMeans<float>&, const Separations&, const Execution&);
template Condensed all_mean_distances(const ClusterMeans<double>&, const Separations&, const Execution&);

}  // namespace bcl
