#include "screen/leading_screen.h"

#include <algorithm>
#include <cmath>

namespace bcl {
namespace {

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

// A of a point.
double half_square(const QuantizedPoints::Lengths& lengths, int64_t i, double r) {
  const double e = lengths.errors[i];
  return lengths.squares[i] / 2.0 - r * e - e * e;
}

double limit(const QuantizedPoints::Lengths& lengths, int64_t i, double r) {
  return half_square(lengths, i, r) - r * r / 2;
}

}  // namespace

LeadingScreen::LeadingScreen(const ScaledPoints& points, const Directions& directions, int64_t depth,
                             double largest_threshold, const Execution& execution)
    : points_(points),
      bytes_(points, directions, depth, execution),
      stretch_(stretch(directions, points.d())),
      n_panels_((points.n() + kScreenColumns - 1) / kScreenColumns),
      panels_(n_panels_ * depth * kScreenColumns),
      starts_(n_panels_ * kScreenColumns),
      whole_starts_(points.n()),
      scratch_(execution) {
  pack(largest_threshold, execution);
}

void LeadingScreen::pack(double largest_threshold, const Execution& execution) {
  const auto start = [&](const Lengths& lengths, int64_t i) {
    return -static_cast<int32_t>(std::floor(half_square(lengths, i, reach(largest_threshold, lengths))));
  };
  const int64_t depth = bytes_.depth();
  parallel_for(n_panels_, execution, [&](int64_t panel, int) {
    const int64_t first = panel * kScreenColumns, n_columns = std::min(kScreenColumns, bytes_.n() - first);
    int32_t starts[kScreenColumns];
    std::vector<int8_t> columns(n_columns * depth);
    for (int64_t c = 0; c < n_columns; ++c) {
      const int8_t* const q = bytes_.row(first + c);
      int32_t shifted = 0;
      for (int64_t p = 0; p < depth; ++p) shifted += bytes_.offset(p) * q[p];
      for (int64_t t = 0; t < depth / 2; ++t) {
        columns[c * depth + 2 * t] = q[t];
        columns[c * depth + 2 * t + 1] = q[partner(t, depth)];
      }
      starts[c] = start(bytes_.leading(), first + c) - shifted;
      whole_starts_[first + c] = start(bytes_.whole(), first + c);
    }
    screen_kernels().pack(columns.data(), starts, n_columns, depth, &panels_[first * depth], &starts_[first]);
  });
}

// r; no two points are farther apart than twice the longest.
double LeadingScreen::reach(double distance_threshold, const Lengths& lengths) const {
  return std::min(bytes_.scale() * std::sqrt(stretch_ * points_.scaled(distance_threshold)), 2 * lengths.longest);
}

void LeadingScreen::walk(int64_t first, int64_t last, double distance_threshold, int thread, const Found& found) {
  const Found found_above = above_diagonal(found);
  Scratch& scratch = scratch_[thread];
  begin(first, last, distance_threshold, scratch);
  for (int64_t panel = first / kScreenColumns; panel < n_panels_; panel += kScreenPanels) {
    select(first, last, distance_threshold, panel, scratch);
    const int32_t* columns = scratch.columns.data();
    for (int64_t i = first; i < last; ++i) {
      const int64_t count = scratch.counts[i - first];
      if (count > 0) found_above(i, columns, count);
      columns += count;
    }
  }
}

void LeadingScreen::begin(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const {
  const int64_t depth = bytes_.depth();
  const double r = reach(distance_threshold, bytes_.leading());
  const ScreenKernels& math = screen_kernels();
  const int64_t row_words = depth / math.features_per_word;
  scratch.rows.resize((last - first) * row_words);
  scratch.bytes.resize(depth);
  scratch.limits.resize(last - first);
  for (int64_t i = first; i < last; ++i) {
    const int8_t* const q = bytes_.row(i);
    for (int64_t t = 0; t < depth / 2; ++t) {
      const int64_t other = partner(t, depth);
      scratch.bytes[2 * t] = static_cast<uint8_t>(q[t] + bytes_.offset(t));
      scratch.bytes[2 * t + 1] = static_cast<uint8_t>(q[other] + bytes_.offset(other));
    }
    math.pack_row(scratch.bytes.data(), depth, &scratch.rows[(i - first) * row_words]);
    const double row_limit = std::clamp(std::floor(limit(bytes_.leading(), i, r)), -32767.0, 32767.0);
    scratch.limits[i - first] = static_cast<int16_t>(row_limit);
  }
}

void LeadingScreen::select(int64_t first, int64_t last, double distance_threshold, int64_t first_panel,
                           Scratch& scratch) const {
  const int64_t depth = bytes_.depth();
  const int64_t first_column = first_panel * kScreenColumns;
  const int64_t n_panels = std::min(kScreenPanels, n_panels_ - first_panel);
  screen_kernels().select(scratch.rows.data(), scratch.limits.data(), last - first, &panels_[first_column * depth],
                          &starts_[first_column], n_panels, depth, scratch.masks.data(), kScreenPanels);
  list_columns(last - first, n_panels, first_column, scratch);
  keep_near(first, last, distance_threshold, scratch);
}

// The second question.
void LeadingScreen::keep_near(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const {
  const double r = reach(distance_threshold, bytes_.whole());
  const int32_t* from = scratch.columns.data();
  int32_t* to = scratch.columns.data();
  for (int64_t i = first; i < last; ++i) {
    int32_t& count = scratch.counts[i - first];
    const int32_t row_limit = static_cast<int32_t>(std::floor(limit(bytes_.whole(), i, r)));
    std::copy(from, from + count, to);
    from += count;
    count = static_cast<int32_t>(screen_kernels().keep_near(bytes_.row(i), bytes_.values(), whole_starts_.data(),
                                                            row_limit, bytes_.row_bytes(), to, count));
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
        __builtin_prefetch(bytes_.row(*next++));
      }
    scratch.counts[r] = static_cast<int32_t>(next - begin);
  }
}

}  // namespace bcl
