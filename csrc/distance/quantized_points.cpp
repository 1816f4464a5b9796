#include "distance/quantized_points.h"

#include <algorithm>
#include <cmath>

namespace bcl {
namespace {

constexpr double kLargestByte = 127;
// So that every sum of two products, of which one factor was made unsigned, and start + product as a whole fit into
// the sums.
double largest_pair_of_squares() { return screen_kernels().largest_pair / 2; }
double largest_norm() { return std::floor(std::sqrt(screen_kernels().largest_sum / 1.51)); }

// The bytes of the first `depth` directions are multiplied in pairs: large ones with small ones, so that the largest
// sum of two products is small. The pair t is directions t and partner(t).
int64_t partner(int64_t t, int64_t depth) { return depth - 1 - t; }

// Of a point's projections at scale 1 by float32 sums (points have norms below 2), and what it may come to.
double projection_error(int64_t n_directions, int64_t d) {
  return 2 * std::sqrt(static_cast<double>(n_directions)) * static_cast<double>(d + 2) * std::ldexp(1.0, -24);
}
constexpr double kLargestProjectionError = 4;

// Calls task(first, last, projections) for blocks of rows; projections is [last - first, kBlockColumns].
template <class Task>
void for_projections(const ScaledPoints& points, const Panels<float>& directions, const Execution& execution,
                     const Task& task) {
  const int64_t n_blocks = (points.n() + kBlockRows - 1) / kBlockRows;
  std::vector<std::vector<float>> scratch(resolve_threads(execution, n_blocks));
  parallel_for(n_blocks, execution, [&](int64_t b, int thread) {
    if (scratch[thread].empty()) scratch[thread] = tile_scratch<float>();
    const int64_t first = b * kBlockRows, last = std::min(points.n(), first + kBlockRows);
    kernels<float>().scores(points.row(first), points.d(), last - first, directions.values(0), directions.starts(0),
                            directions.n_panels(), points.d(), scratch[thread].data(), kBlockColumns);
    task(b, first, last, scratch[thread].data());
  });
}

Panels<float> pack_directions(const Directions& directions, int64_t d) {
  Panels<float> panels(kernels<float>(), directions.n, d);
  for (int64_t panel = 0; panel < panels.n_panels(); ++panel)
    panels.pack(panel, directions.row(panels.first_column(panel), d), d);
  for (int64_t p = 0; p < directions.n; ++p) panels.start(p) = 0;
  return panels;
}

// Of all points' projections.
struct Extent {
  std::vector<float> largest;             // [n directions] size
  double leading_square = 0, square = 0;  // of the longest with its spread, in the first few directions and in all
};

Extent measure(const ScaledPoints& points, const Panels<float>& axes, int64_t n_axes, int64_t depth,
               const Execution& execution) {
  std::vector<Extent> blocks((points.n() + kBlockRows - 1) / kBlockRows);
  for_projections(points, axes, execution, [&](int64_t b, int64_t first, int64_t last, const float* projections) {
    Extent& block = blocks[b];
    block.largest.assign(n_axes, 0.0f);
    for (int64_t r = 0; r < last - first; ++r) {
      double square = points.spread(first + r);
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
    if (scale * std::sqrt(extent.leading_square) + std::sqrt(depth) / 2 > largest_norm()) return false;
    for (const float largest : extent.largest)
      if (scale * largest + 0.5 > kLargestByte) return false;
    for (int64_t t = 0; t < depth / 2; ++t) {
      const double a = scale * extent.largest[t] + 1.5, b = scale * extent.largest[partner(t, depth)] + 1.5;
      if (a * a + b * b > largest_pair_of_squares()) return false;
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

QuantizedPoints::QuantizedPoints(const ScaledPoints& points, const Directions& directions, int64_t depth,
                                 const Execution& execution)
    : n_(points.n()),
      depth_(depth),
      n_directions_(directions.n),
      row_bytes_((n_directions_ + kDepthBlock - 1) / kDepthBlock * kDepthBlock),
      values_(n_ * row_bytes_),
      offsets_(depth),
      leading_(n_),
      whole_(n_) {
  const Panels<float> axes = pack_directions(directions, points.d());
  const Extent extent = measure(points, axes, n_directions_, depth_, execution);
  const double error = projection_error(n_directions_, points.d());
  scale_ = choose_scale(extent, depth_, error);
  leading_.longest = largest_norm();
  whole_.longest = scale_ * std::sqrt(extent.square) + std::sqrt(static_cast<double>(n_directions_));
  if (!screen_kernels().signed_rows)
    for (int64_t p = 0; p < depth_; ++p) offsets_[p] = static_cast<int32_t>(std::lround(scale_ * extent.largest[p]));
  quantize(points, axes, scale_ * error + 1e-3, execution);  // 1e-3: of scaling twice
}

void QuantizedPoints::quantize(const ScaledPoints& points, const Panels<float>& axes, double rounding,
                               const Execution& execution) {
  for_projections(points, axes, execution, [&](int64_t, int64_t first, int64_t last, const float* projections) {
    for (int64_t i = first; i < last; ++i) {
      const float* y = projections + (i - first) * kBlockColumns;
      double squared_error = 0;
      auto square = static_cast<int32_t>(scale_ * scale_ * points.spread(i));
      for (int64_t p = 0; p < n_directions_; ++p) {
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

void QuantizedPoints::write_row(const int8_t* q, uint8_t* row) const {
  for (int64_t t = 0; t < depth_ / 2; ++t) {
    const int64_t other = partner(t, depth_);
    row[2 * t] = static_cast<uint8_t>(q[t] + offsets_[t]);
    row[2 * t + 1] = static_cast<uint8_t>(q[other] + offsets_[other]);
  }
}

void QuantizedPoints::write_column(const int8_t* q, int8_t* column) const {
  for (int64_t t = 0; t < depth_ / 2; ++t) {
    column[2 * t] = q[t];
    column[2 * t + 1] = q[partner(t, depth_)];
  }
}

int32_t QuantizedPoints::column_start(const int8_t* q) const {
  int32_t added = 0;
  for (int64_t p = 0; p < depth_; ++p) added += offsets_[p] * q[p];
  return -added;
}

}  // namespace bcl
