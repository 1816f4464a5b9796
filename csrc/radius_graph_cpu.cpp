#include "radius_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "distance_tile.h"
#include "pair_blocks.h"

namespace bcl {
namespace {

// The power of two at or below x, kept large enough that its inverse is finite.
double power_of_two(double x) { return std::ldexp(1.0, std::clamp(std::ilogb(x), -1000, 1023)); }

// Centred points scaled by a power of two to norms below 2, for screening in float32.
class Screen {
 public:
  template <class T>
  Screen(const T* points, int64_t n, int64_t d, double tau, int n_threads)
      : n_(n), d_(d), values_(static_cast<size_t>(n * d)), limits_(n), panels_(kernels<float>(), n, d) {
    const std::vector<double> mean = column_means(points);
    const double shrink = 1 / power_of_two(largest_norm(points, mean, n_threads));
    // u = 2^-24. A score is a chain of d + 1 roundings of terms whose absolute sum is at most |x|^2 + |y|^2; centring
    // and scaling move each coordinate by u relative, norms are rounded once: 2 (d + 1) + 16 covers them, doubled to be
    // generous.
    const double slack = (4.0 * d + 40) * std::ldexp(1.0, -24);
    // Norms that underflow: an absolute allowance, far below any distance that float32 resolves beside norms of 1.
    // Scaled squared distances are below 16: a larger limit, an infinite one above all, must stay finite, or the
    // panels' padding (start -inf) would pass.
    const double limit = (std::isinf(tau) ? 16.0 : std::min(tau * shrink * shrink, 16.0)) + 1e-30;
    parallel_for(panels_.n_panels(), n_threads, [&](int64_t panel, int) {
      const int64_t first = panels_.first_column(panel);
      for (int64_t i = first; i < first + panels_.n_columns(panel); ++i) {
        double norm = 0;
        for (int64_t p = 0; p < d; ++p) {
          const float x = static_cast<float>((points[i * d + p] - mean[p]) * shrink);
          values_[i * d + p] = x;
          norm += static_cast<double>(x) * x;
        }
        // |x - y|^2 <= limit + slack (|x|^2 + |y|^2), rearranged for the score x.y + start_y >= limit_x.
        const double half = (1 - slack) * norm / 2;
        panels_.start(i) = static_cast<float>(-half);
        limits_[i] = static_cast<float>(half - limit / 2);
      }
      panels_.pack(panel, row(first), d);
    });
  }

  // Calls found(row, columns, count) with every column >= first_row's panel that may lie within tau of each row of the
  // block, block of columns by block of columns.
  template <class Found>
  void walk(int64_t first_row, int64_t last_row, float* scratch, int32_t* columns, Found&& found) const {
    const Kernels<float>& math = kernels<float>();
    const int64_t first_panel = first_row / panels_.width();
    walk_tiles(math, row(first_row), d_, last_row - first_row, panels_, first_panel, scratch,
               [&](const float* scores, int64_t first_column, int64_t n_columns) {
                 for (int64_t i = first_row; i < last_row; ++i) {
                   const float* row_scores = scores + (i - first_row) * kBlockColumns;
                   const int64_t count = math.select_at_least(row_scores, n_columns, limits_[i],
                                                              static_cast<int32_t>(first_column), columns);
                   if (count > 0) found(i, columns, count);
                 }
               });
  }

 private:
  const float* row(int64_t i) const { return values_.data() + i * d_; }

  template <class T>
  std::vector<double> column_means(const T* points) const {
    std::vector<double> mean(d_, 0.0);
    for (int64_t i = 0; i < n_; ++i)
      for (int64_t p = 0; p < d_; ++p) mean[p] += points[i * d_ + p] / static_cast<double>(n_);
    return mean;
  }

  // By the largest coordinate, so that squares cannot overflow.
  template <class T>
  double largest_norm(const T* points, const std::vector<double>& mean, int n_threads) const {
    const int64_t blocks = (n_ + kBlockRows - 1) / kBlockRows;
    std::vector<double> largest(blocks, 0.0);
    parallel_for(blocks, n_threads, [&](int64_t block, int) {
      for (int64_t i = block * kBlockRows; i < std::min(n_, (block + 1) * kBlockRows); ++i)
        for (int64_t p = 0; p < d_; ++p)
          largest[block] = std::max(largest[block], std::abs(points[i * d_ + p] - mean[p]));
    });
    return std::sqrt(static_cast<double>(d_)) * (blocks > 0 ? *std::max_element(largest.begin(), largest.end()) : 0.0);
  }

  int64_t n_, d_;
  std::vector<float> values_;
  std::vector<float> limits_;  // a score at least this may lie within tau
  Panels<float> panels_;
};

// The sum in feature order, as SciPy's pdist has it: decides pairs whose distance equals tau up to the order of
// summation.
template <class T>
double sequential_squared_distance(const T* x, const T* y, int64_t d) {
  double sum = 0;
  for (int64_t p = 0; p < d; ++p) {
    const double e = static_cast<double>(x[p]) - static_cast<double>(y[p]);
    sum += e * e;
  }
  return sum;
}

// What one thread needs for a block of rows.
struct Scratch {
  std::vector<float> scores = tile_scratch<float>();
  std::vector<int32_t> columns = std::vector<int32_t>(kBlockColumns);
  std::vector<double> distances = std::vector<double>(kBlockColumns);
  std::vector<double> wide_rows;  // [kBlockRows, d] the block's coordinates in float64
  // Pairs are found block of columns by block of columns: each row's are gathered on their own.
  std::vector<Pairs> rows = std::vector<Pairs>(kBlockRows);
};

// Evaluates the screen's candidates in float64 and keeps what is within tau.
template <class T>
class ExactFilter {
 public:
  ExactFilter(const T* points, int64_t d, double tau, double scale)
      : points_(points), d_(d), tau_(tau), inverse_scale_(1 / scale), doubt_((d + 8) * std::ldexp(1.0, -52)) {}

  BlockPairs pairs_of_block(const Screen& screen, int64_t first, int64_t last, Scratch& scratch) const {
    for (Pairs& row : scratch.rows) {
      row.neighbors.clear();
      row.distances.clear();
    }
    scratch.wide_rows.assign(points_ + first * d_, points_ + last * d_);
    screen.walk(first, last, scratch.scores.data(), scratch.columns.data(),
                [&](int64_t i, const int32_t* columns, int64_t count) {
                  // Only pairs i < j: the first block of columns holds some j <= i.
                  const int32_t* const end = columns + count;
                  const int32_t* const begin = std::upper_bound(columns, end, static_cast<int32_t>(i));
                  keep(i, begin, end - begin, &scratch.wide_rows[(i - first) * d_], scratch.distances.data(),
                       scratch.rows[i - first]);
                });
    return joined(scratch.rows);
  }

 private:
  void keep(int64_t i, const int32_t* columns, int64_t count, const double* wide_row, double* distances,
            Pairs& pairs) const {
    kernels<T>().exact_distances(wide_row, points_, d_, columns, count, d_, distances);
    for (int64_t t = 0; t < count; ++t) {
      double distance = distances[t];
      if (std::abs(distance - tau_) < doubt_ * tau_)
        distance = sequential_squared_distance(points_ + i * d_, points_ + columns[t] * d_, d_);
      if (!(distance <= tau_)) continue;
      pairs.neighbors.push_back(columns[t]);
      pairs.distances.push_back(static_cast<float>(distance * inverse_scale_));
    }
  }

  static BlockPairs joined(const std::vector<Pairs>& rows) {
    BlockPairs block;
    size_t total = 0;
    for (const Pairs& row : rows) total += row.neighbors.size();
    block.pairs.neighbors.reserve(total);
    block.pairs.distances.reserve(total);
    for (size_t r = 0; r < rows.size(); ++r) {
      block.row_counts[r] = static_cast<int32_t>(rows[r].neighbors.size());
      block.pairs.neighbors.insert(block.pairs.neighbors.end(), rows[r].neighbors.begin(), rows[r].neighbors.end());
      block.pairs.distances.insert(block.pairs.distances.end(), rows[r].distances.begin(), rows[r].distances.end());
    }
    return block;
  }

  const T* points_;
  const int64_t d_;
  const double tau_, inverse_scale_, doubt_;
};

// A power of two that brings the kept distances (at most tau, or 4 largest norms) into float32's range; 1 where it is
// not needed.
double graph_scale(double largest) {
  const bool ordinary = largest == 0 || (largest > 1e-20 && largest < 1e30);
  return ordinary ? 1.0 : power_of_two(largest);
}

template <class T>
double largest_squared_distance(const T* points, int64_t n, int64_t d) {
  double low = 0, high = 0, sum = 0;
  for (int64_t p = 0; p < d; ++p) {
    for (int64_t i = 0; i < n; ++i) {
      const double x = points[i * d + p];
      low = i == 0 ? x : std::min(low, x);
      high = i == 0 ? x : std::max(high, x);
    }
    sum += (high - low) * (high - low);
  }
  return sum;
}

}  // namespace

template <class T>
RadiusGraph radius_graph_cpu(const T* points, int64_t n, int64_t d, double tau, int n_threads,
                             const InterruptCheck& interrupted) {
  RadiusGraph graph;
  graph.scale = graph_scale(std::min(tau, largest_squared_distance(points, n, d)));
  std::vector<BlockPairs> blocks((n + kBlockRows - 1) / kBlockRows);
  {
    const Screen screen(points, n, d, tau, n_threads);
    const ExactFilter<T> filter(points, d, tau, graph.scale);
    std::vector<std::unique_ptr<Scratch>> scratch(resolve_threads(n_threads, blocks.size()));
    parallel_for(
        blocks.size(), n_threads,
        [&](int64_t b, int thread) {
          if (!scratch[thread]) scratch[thread] = std::make_unique<Scratch>();
          blocks[b] =
              filter.pairs_of_block(screen, b * kBlockRows, std::min(n, (b + 1) * kBlockRows), *scratch[thread]);
        },
        interrupted);
  }
  assemble(blocks, n, n_threads, graph);
  return graph;
}

template RadiusGraph radius_graph_cpu(const float*, int64_t, int64_t, double, int, const InterruptCheck&);
template RadiusGraph radius_graph_cpu(const double*, int64_t, int64_t, double, int, const InterruptCheck&);

}  // namespace bcl
