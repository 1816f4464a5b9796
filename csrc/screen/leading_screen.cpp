#include "screen/leading_screen.h"

#include <algorithm>
#include <cmath>

#include "distance/tiles.h"
#include "runtime/parallel.h"

namespace bcl {
namespace {

// So that every sum of two products, and start + product as a whole, fit into 16 bits.
constexpr double kLargestPairOfSquares = 16383, kLargestByte = 127, kLargestNorm = 147;
// Of a point's projections at scale 1 by float32 sums (points have norms below 2), and what it may come to.
double projection_error(int64_t n_directions, int64_t d) {
  return 2 * std::sqrt(static_cast<double>(n_directions)) * static_cast<double>(d + 2) * std::ldexp(1.0, -24);
}
constexpr double kLargestProjectionError = 4;

// Calls task(first, last, projections) for blocks of rows; projections is [last - first, kBlockColumns].
template <class Task>
void for_projections(const ScaledPoints& points, const Panels<float>& directions, int n_threads, const Task& task) {
  const int64_t n_blocks = (points.n() + kBlockRows - 1) / kBlockRows;
  std::vector<std::vector<float>> scratch(resolve_threads(n_threads, n_blocks));
  parallel_for(n_blocks, n_threads, [&](int64_t b, int thread) {
    if (scratch[thread].empty()) scratch[thread] = tile_scratch<float>();
    const int64_t first = b * kBlockRows, last = std::min(points.n(), first + kBlockRows);
    kernels<float>().scores(points.row(first), points.d(), last - first, directions.values(0), directions.starts(0),
                            directions.n_panels(), points.d(), scratch[thread].data(), kBlockColumns);
    task(b, first, last, scratch[thread].data());
  });
}

// The bytes of the first `depth` directions are multiplied in pairs: large ones with small ones, so that the largest
// sum of two products is small. The pair t is directions t and partner(t).
int64_t partner(int64_t t, int64_t depth) { return depth - 1 - t; }

Panels<float> pack_directions(const Directions& directions, int64_t d) {
  Panels<float> panels(kernels<float>(), directions.n, d);
  for (int64_t panel = 0; panel < panels.n_panels(); ++panel)
    panels.pack(panel, directions.row(panels.first_column(panel), d), d);
  for (int64_t p = 0; p < directions.n; ++p) panels.start(p) = 0;
  return panels;
}

// How much longer than 1 the directions may make a squared length: 1 + |V'V - I|.
double stretch(const Directions& directions, int64_t d) {
  double excess = 0;
  for (int64_t p = 0; p < directions.n; ++p)
    for (int64_t r = 0; r <= p; ++r) {
      double product = p == r ? -1.0 : 0.0;
      for (int64_t t = 0; t < d; ++t) product += static_cast<double>(directions.row(p, d)[t]) * directions.row(r, d)[t];
      excess += (p == r ? 1 : 2) * product * product;
    }
  return 1 + std::sqrt(excess);
}

// Of all points' projections.
struct Extent {
  std::vector<float> largest;             // [n directions] size
  double leading_square = 0, square = 0;  // of the longest, in the first few directions and in all
};

Extent measure(const ScaledPoints& points, const Panels<float>& axes, int64_t n_axes, int64_t depth, int n_threads) {
  std::vector<Extent> blocks((points.n() + kBlockRows - 1) / kBlockRows);
  for_projections(points, axes, n_threads, [&](int64_t b, int64_t first, int64_t last, const float* projections) {
    Extent& block = blocks[b];
    block.largest.assign(n_axes, 0.0f);
    for (int64_t r = 0; r < last - first; ++r) {
      double square = 0;
      for (int64_t p = 0; p < n_axes; ++p) {
        const float y = projections[r * kBlockColumns + p];
        block.largest[p] = std::max(block.largest[p], std::abs(y));
        square += static_cast<double>(y) * y;
        if (p == depth - 1) block.leading_square = std::max(block.leading_square, square);
      }
      block.square = std::max(block.square, square);
    }
  });
  Extent all{std::vector<float>(n_axes, 0.0f)};
  for (const Extent& block : blocks) {
    for (int64_t p = 0; p < n_axes; ++p) all.largest[p] = std::max(all.largest[p], block.largest[p]);
    all.leading_square = std::max(all.leading_square, block.leading_square);
    all.square = std::max(all.square, block.square);
  }
  return all;
}

// The largest scale under which rounded values keep within the three bounds above.
double choose_scale(const Extent& extent, int64_t depth, double error) {
  const auto fits = [&](double scale) {
    if (scale * std::sqrt(extent.leading_square) + std::sqrt(depth) / 2 > kLargestNorm) return false;
    for (const float largest : extent.largest)
      if (scale * largest + 0.5 > kLargestByte) return false;
    for (int64_t t = 0; t < depth / 2; ++t) {
      const double a = scale * extent.largest[t] + 1.5, b = scale * extent.largest[partner(t, depth)] + 1.5;
      if (a * a + b * b > kLargestPairOfSquares) return false;
    }
    return true;
  };
  double low = 0, high = kLargestProjectionError / error;
  for (int step = 0; step < 30; ++step) {
    const double middle = (low + high) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

LeadingScreen::LeadingScreen(const ScaledPoints& points, const Directions& directions, int64_t depth,
                             double largest_tau, int n_threads)
    : n_(points.n()),
      depth_(depth),
      whole_depth_(directions.n),
      n_panels_((n_ + kScreenColumns - 1) / kScreenColumns),
      stretch_(stretch(directions, points.d())),
      points_(points),
      row_bytes_((whole_depth_ + kDepthBlock - 1) / kDepthBlock * kDepthBlock),
      values_(n_ * row_bytes_),
      leading_{std::vector<float>(n_), std::vector<int32_t>(n_)},
      whole_{std::vector<float>(n_), std::vector<int32_t>(n_)},
      offsets_(depth),
      panels_(n_panels_ * depth * kScreenColumns),
      starts_(n_panels_ * kScreenColumns),
      whole_starts_(n_) {
  quantize(points, directions, n_threads);
  pack(largest_tau, n_threads);
}

void LeadingScreen::quantize(const ScaledPoints& points, const Directions& directions, int n_threads) {
  const Panels<float> axes = pack_directions(directions, points.d());
  const Extent extent = measure(points, axes, whole_depth_, depth_, n_threads);
  const double error = projection_error(whole_depth_, points.d());
  scale_ = choose_scale(extent, depth_, error);
  leading_.longest = kLargestNorm;
  whole_.longest = scale_ * std::sqrt(extent.square) + std::sqrt(static_cast<double>(whole_depth_));
  for (int64_t p = 0; p < depth_; ++p) offsets_[p] = static_cast<int32_t>(std::lround(scale_ * extent.largest[p]));
  const double rounding = scale_ * error + 1e-3;  // and of scaling twice
  for_projections(points, axes, n_threads, [&](int64_t, int64_t first, int64_t last, const float* projections) {
    for (int64_t i = first; i < last; ++i) {
      const float* y = projections + (i - first) * kBlockColumns;
      double squared_error = 0;
      int32_t square = 0;
      for (int64_t p = 0; p < whole_depth_; ++p) {
        const double wanted = scale_ * y[p], q = std::nearbyint(wanted);
        values_[i * row_bytes_ + p] = static_cast<int8_t>(q);
        squared_error += (wanted - q) * (wanted - q);
        square += static_cast<int32_t>(q * q);
        if (p != depth_ - 1) continue;
        leading_.errors[i] = static_cast<float>(std::sqrt(squared_error) + rounding);
        leading_.squares[i] = square;
      }
      whole_.errors[i] = static_cast<float>(std::sqrt(squared_error) + rounding);
      whole_.squares[i] = square;
    }
  });
}

void LeadingScreen::pack(double largest_tau, int n_threads) {
  const auto start = [&](const Lengths& lengths, int64_t i) {
    return -static_cast<int32_t>(std::floor(lengths.half_square(i, reach(largest_tau, lengths))));
  };
  parallel_for(n_panels_, n_threads, [&](int64_t panel, int) {
    const int64_t first = panel * kScreenColumns, n_columns = std::min(kScreenColumns, n_ - first);
    int32_t starts[kScreenColumns];
    std::vector<int8_t> columns(n_columns * depth_);
    for (int64_t c = 0; c < n_columns; ++c) {
      const int8_t* const q = &values_[(first + c) * row_bytes_];
      int32_t shifted = 0;
      for (int64_t p = 0; p < depth_; ++p) shifted += offsets_[p] * q[p];
      for (int64_t t = 0; t < depth_ / 2; ++t) {
        columns[c * depth_ + 2 * t] = q[t];
        columns[c * depth_ + 2 * t + 1] = q[partner(t, depth_)];
      }
      starts[c] = start(leading_, first + c) - shifted;
      whole_starts_[first + c] = start(whole_, first + c);
    }
    screen_kernels().pack(columns.data(), starts, n_columns, depth_, &panels_[first * depth_], &starts_[first]);
  });
}

// r; no two points are farther apart than twice the longest.
double LeadingScreen::reach(double tau, const Lengths& lengths) const {
  return std::min(scale_ * std::sqrt(stretch_ * points_.scaled(tau)), 2 * lengths.longest);
}

void LeadingScreen::begin(int64_t first, int64_t last, double tau, Scratch& scratch) const {
  const double r = reach(tau, leading_);
  const ScreenKernels& math = screen_kernels();
  const int64_t row_words = depth_ / math.features_per_word;
  scratch.rows.resize((last - first) * row_words);
  scratch.bytes.resize(depth_);
  scratch.limits.resize(last - first);
  for (int64_t i = first; i < last; ++i) {
    const int8_t* const q = &values_[i * row_bytes_];
    for (int64_t t = 0; t < depth_ / 2; ++t) {
      const int64_t other = partner(t, depth_);
      scratch.bytes[2 * t] = static_cast<uint8_t>(q[t] + offsets_[t]);
      scratch.bytes[2 * t + 1] = static_cast<uint8_t>(q[other] + offsets_[other]);
    }
    math.pack_row(scratch.bytes.data(), depth_, &scratch.rows[(i - first) * row_words]);
    const double limit = std::clamp(std::floor(leading_.limit(i, r)), -32767.0, 32767.0);
    scratch.limits[i - first] = static_cast<int16_t>(limit);
  }
}

void LeadingScreen::select(int64_t first, int64_t last, double tau, int64_t first_panel, Scratch& scratch) const {
  const int64_t first_column = first_panel * kScreenColumns;
  const int64_t n_panels = std::min(kScreenPanels, n_panels_ - first_panel);
  screen_kernels().select(scratch.rows.data(), scratch.limits.data(), last - first, &panels_[first_column * depth_],
                          &starts_[first_column], n_panels, depth_, scratch.masks.data(), kScreenPanels);
  list_columns(last - first, n_panels, first_column, scratch);
  const double r = reach(tau, whole_);
  const int32_t* from = scratch.columns.data();
  int32_t* to = scratch.columns.data();
  for (int64_t i = first; i < last; ++i) {
    int32_t& count = scratch.counts[i - first];
    const int32_t limit = static_cast<int32_t>(std::floor(whole_.limit(i, r)));
    std::copy(from, from + count, to);
    from += count;
    count = static_cast<int32_t>(screen_kernels().keep_near(&values_[i * row_bytes_], values_.data(),
                                                            whole_starts_.data(), limit, row_bytes_, to, count));
    to += count;
  }
}

// The columns of every row's bits, row after row, and their bytes on the way to the cache: they lie anywhere.
void LeadingScreen::list_columns(int64_t n_rows, int64_t n_panels, int64_t first_column, Scratch& scratch) const {
  int32_t* next = scratch.columns.data();
  for (int64_t r = 0; r < n_rows; ++r) {
    const int32_t* const begin = next;
    for (int64_t j = 0; j < n_panels; ++j)
      for (uint64_t mask = scratch.masks[r * kScreenPanels + j]; mask != 0; mask &= mask - 1) {
        *next = static_cast<int32_t>(first_column + j * kScreenColumns) + __builtin_ctzll(mask);
        __builtin_prefetch(&values_[*next++ * row_bytes_]);
      }
    scratch.counts[r] = static_cast<int32_t>(next - begin);
  }
}

}  // namespace bcl
