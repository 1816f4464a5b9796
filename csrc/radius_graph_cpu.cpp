#include "radius_graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "distance_tile.h"

namespace bcl {
namespace {

// Pairs i < j of one block of rows: rows in order, each row's neighbours ascending.
struct BlockPairs {
  std::vector<int32_t> neighbors;
  std::vector<float> distances;
  int32_t row_counts[kBlockRows] = {};
};

// Centred points scaled by a power of two to norms of at most 1, for screening in float32.
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
    const double limit = std::isinf(tau) ? tau : tau * shrink * shrink + 1e-30;
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

  static double power_of_two(double x) { return x > 0 ? std::ldexp(1.0, std::ilogb(x) + 1) : 1.0; }

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

// Evaluates candidates in float64 and keeps what is within tau.
template <class T>
class ExactFilter {
 public:
  ExactFilter(const T* points, int64_t d, double tau, double scale)
      : points_(points), d_(d), tau_(tau), inverse_scale_(1 / scale), doubt_((d + 8) * std::ldexp(1.0, -52)) {}

  int64_t depth() const { return d_; }

  void widen(int64_t first, int64_t last, std::vector<double>& rows) const {
    rows.assign(points_ + first * d_, points_ + last * d_);
  }

  void keep(int64_t i, const double* wide_row, const int32_t* columns, int64_t count, double* distances,
            BlockPairs& pairs, int64_t first_row) const {
    kernels<T>().exact_distances(wide_row, points_, d_, columns, count, d_, distances);
    for (int64_t t = 0; t < count; ++t) {
      double distance = distances[t];
      if (std::abs(distance - tau_) < doubt_ * tau_)
        distance = sequential_squared_distance(points_ + i * d_, points_ + columns[t] * d_, d_);
      if (!(distance <= tau_)) continue;
      pairs.neighbors.push_back(columns[t]);
      pairs.distances.push_back(static_cast<float>(distance * inverse_scale_));
      ++pairs.row_counts[i - first_row];
    }
  }

 private:
  const T* points_;
  const int64_t d_;
  const double tau_, inverse_scale_, doubt_;
};

// What one thread needs for a block of rows.
struct Scratch {
  std::vector<float> scores = tile_scratch<float>();
  std::vector<int32_t> columns = std::vector<int32_t>(kBlockColumns);
  std::vector<double> distances = std::vector<double>(kBlockColumns);
  std::vector<double> wide_rows;  // [kBlockRows, d] the block's coordinates in float64
  // Found column block by column block; row r's pairs are gathered in rows[r].
  std::vector<BlockPairs> rows = std::vector<BlockPairs>(kBlockRows);
};

template <class T>
BlockPairs pairs_of_block(const Screen& screen, const ExactFilter<T>& filter, int64_t first, int64_t last,
                          Scratch& scratch) {
  for (BlockPairs& row : scratch.rows) {
    row.neighbors.clear();
    row.distances.clear();
    row.row_counts[0] = 0;
  }
  filter.widen(first, last, scratch.wide_rows);
  screen.walk(first, last, scratch.scores.data(), scratch.columns.data(),
              [&](int64_t i, int32_t* columns, int64_t count) {
                // Only pairs i < j: the first blocks of columns hold some j <= i.
                int32_t* const end = columns + count;
                int32_t* const begin = std::upper_bound(columns, end, static_cast<int32_t>(i));
                filter.keep(i, &scratch.wide_rows[(i - first) * filter.depth()], begin, end - begin,
                            scratch.distances.data(), scratch.rows[i - first], i);
              });
  BlockPairs block;
  size_t total = 0;
  for (const BlockPairs& row : scratch.rows) total += row.neighbors.size();
  block.neighbors.reserve(total);
  block.distances.reserve(total);
  for (int64_t r = 0; r < last - first; ++r) {
    const BlockPairs& row = scratch.rows[r];
    block.neighbors.insert(block.neighbors.end(), row.neighbors.begin(), row.neighbors.end());
    block.distances.insert(block.distances.end(), row.distances.begin(), row.distances.end());
    block.row_counts[r] = row.row_counts[0];
  }
  return block;
}

// The part of block b's row r whose neighbours lie in [first, last), as positions in the block's arrays.
struct Span {
  int64_t begin, end;
};

// Calls found(row, block, span) for every row of every block, in order, with its pairs (row, j), first <= j < last.
template <class Found>
void for_each_row(const std::vector<BlockPairs>& blocks, int64_t n, int64_t first, int64_t last, Found&& found) {
  for (size_t b = 0; b < blocks.size(); ++b) {
    const BlockPairs& block = blocks[b];
    const int64_t row = static_cast<int64_t>(b) * kBlockRows;
    const int32_t* neighbors = block.neighbors.data();
    for (int64_t r = 0; r < std::min(kBlockRows, n - row); ++r) {
      const int32_t* const end = neighbors + block.row_counts[r];
      const auto position = [&](int64_t bound) {
        return std::lower_bound(neighbors, end, static_cast<int32_t>(bound)) - block.neighbors.data();
      };
      found(row + r, block, Span{position(first), position(last)});
      neighbors = end;
    }
  }
}

// Each row's own pairs go to the end of its row.
void place_own_pairs(const std::vector<BlockPairs>& blocks, int64_t n, int n_threads, RadiusGraph& graph) {
  parallel_for(blocks.size(), n_threads, [&](int64_t b, int) {
    int64_t e = 0;
    for (int64_t i = b * kBlockRows; i < std::min(n, (b + 1) * kBlockRows); ++i) {
      const int64_t count = blocks[b].row_counts[i - b * kBlockRows], place = graph.offsets[i + 1] - count;
      std::copy_n(&blocks[b].neighbors[e], count, &graph.neighbors[place]);
      std::copy_n(&blocks[b].distances[e], count, &graph.distances[place]);
      e += count;
    }
  });
}

// Both directions of every pair. A task owns a range of rows of the graph. Rows come in order, so a row first receives
// its smaller neighbours, ascending; its own pairs stand behind them: no sort.
void assemble(const std::vector<BlockPairs>& blocks, int64_t n, int n_threads, RadiusGraph& graph) {
  const int64_t n_tasks = 4 * resolve_threads(n_threads, n);
  const auto for_each_range = [&](auto&& task) {
    parallel_for(n_tasks, n_threads, [&](int64_t t, int) { task(t * n / n_tasks, (t + 1) * n / n_tasks); });
  };
  std::vector<int64_t> n_smaller(n, 0), n_larger(n, 0);
  for_each_range([&](int64_t first, int64_t last) {
    for_each_row(blocks, n, first, last, [&](int64_t, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) ++n_smaller[block.neighbors[e]];
    });
  });
  for (int64_t i = 0; i < n; ++i) n_larger[i] = blocks[i / kBlockRows].row_counts[i % kBlockRows];
  graph.offsets.assign(n + 1, 0);
  for (int64_t i = 0; i < n; ++i) graph.offsets[i + 1] = graph.offsets[i] + n_smaller[i] + n_larger[i];
  graph.neighbors.resize(graph.offsets[n]);
  graph.distances.resize(graph.offsets[n]);
  for_each_range([&](int64_t first, int64_t last) {
    std::vector<int64_t> next(graph.offsets.begin() + first, graph.offsets.begin() + last);
    for_each_row(blocks, n, first, last, [&](int64_t i, const BlockPairs& block, Span span) {
      for (int64_t e = span.begin; e < span.end; ++e) {
        const int64_t place = next[block.neighbors[e] - first]++;
        graph.neighbors[place] = static_cast<int32_t>(i);
        graph.distances[place] = block.distances[e];
      }
    });
  });
  place_own_pairs(blocks, n, n_threads, graph);
}

// A power of two that brings the kept distances (at most tau, or 4 largest norms) into float32's range; 1 where it is
// not needed.
double graph_scale(double largest) {
  const bool ordinary = largest == 0 || (largest > 1e-20 && largest < 1e30);
  return ordinary ? 1.0 : std::ldexp(1.0, std::ilogb(largest));
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
              pairs_of_block(screen, filter, b * kBlockRows, std::min(n, (b + 1) * kBlockRows), *scratch[thread]);
        },
        interrupted);
  }
  assemble(blocks, n, n_threads, graph);
  return graph;
}

template RadiusGraph radius_graph_cpu(const float*, int64_t, int64_t, double, int, const InterruptCheck&);
template RadiusGraph radius_graph_cpu(const double*, int64_t, int64_t, double, int, const InterruptCheck&);

}  // namespace bcl
