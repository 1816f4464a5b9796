#include "screen/leading_screen.h"

#include <algorithm>

namespace bcl {

LeadingScreen::LeadingScreen(const ScaledPoints& points, const Directions& directions, int64_t depth,
                             double largest_threshold, const Execution& execution)
    : bytes_(points, directions, depth, execution),
      bounds_(points, directions, bytes_),
      n_panels_((points.n() + kScreenColumns - 1) / kScreenColumns),
      panels_(n_panels_ * depth * kScreenColumns),
      starts_(n_panels_ * kScreenColumns),
      whole_starts_(points.n()),
      scratch_(execution) {
  pack(largest_threshold, execution);
}

void LeadingScreen::pack(double largest_threshold, const Execution& execution) {
  const auto start = [&](const Lengths& lengths, int64_t i) {
    return ByteBounds::start(lengths, i, bounds_.reach(largest_threshold, lengths));
  };
  const int64_t depth = bytes_.depth();
  parallel_for(n_panels_, execution, [&](int64_t panel, int) {
    const int64_t first = panel * kScreenColumns, n_columns = std::min(kScreenColumns, bytes_.n() - first);
    int32_t starts[kScreenColumns];
    std::vector<int8_t> columns(n_columns * depth);
    for (int64_t c = 0; c < n_columns; ++c) {
      const int8_t* const q = bytes_.row(first + c);
      bytes_.write_column(q, &columns[c * depth]);
      starts[c] = start(bytes_.leading(), first + c) + bytes_.column_start(q);
      whole_starts_[first + c] = start(bytes_.whole(), first + c);
    }
    const ScreenKernels& math = screen_kernels();
    math.pack(columns.data(), starts, n_columns, kScreenColumns / math.tile_columns, depth, &panels_[first * depth],
              &starts_[first]);
  });
}

void LeadingScreen::walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) {
  const auto [first, last, first_column] = rows;
  const Found found_asked = asked_about(rows, found);
  Scratch& scratch = scratch_[thread];
  begin(first, last, distance_threshold, scratch);
  for (int64_t panel = std::max(first, first_column) / kScreenColumns; panel < n_panels_; panel += kScreenPanels) {
    select(first, last, distance_threshold, panel, scratch);
    const int32_t* columns = scratch.columns.data();
    for (int64_t i = first; i < last; ++i) {
      const int64_t count = scratch.counts[i - first];
      if (count > 0) found_asked(i, columns, count);
      columns += count;
    }
  }
}

void LeadingScreen::begin(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const {
  const int64_t depth = bytes_.depth();
  const double r = bounds_.reach(distance_threshold, bytes_.leading());
  const ScreenKernels& math = screen_kernels();
  const int64_t row_words = depth / math.features_per_word;
  scratch.rows.resize((last - first) * row_words);
  scratch.bytes.resize(depth);
  scratch.limits.resize(last - first);
  for (int64_t i = first; i < last; ++i) {
    bytes_.write_row(bytes_.row(i), scratch.bytes.data());
    math.pack_row(scratch.bytes.data(), depth, &scratch.rows[(i - first) * row_words]);
    scratch.limits[i - first] =
        std::clamp(ByteBounds::limit(bytes_.leading(), i, r), -math.largest_sum, math.largest_sum);
  }
}

void LeadingScreen::select(int64_t first, int64_t last, double distance_threshold, int64_t first_panel,
                           Scratch& scratch) const {
  const int64_t depth = bytes_.depth();
  const int64_t first_column = first_panel * kScreenColumns;
  const int64_t n_panels = std::min(kScreenPanels, n_panels_ - first_panel);
  const ScreenKernels& math = screen_kernels();
  math.select(scratch.rows.data(), scratch.limits.data(), last - first, &panels_[first_column * depth],
              &starts_[first_column], n_panels * kScreenColumns / math.tile_columns, depth, scratch.masks.data(),
              kScreenPanels);
  list_columns(last - first, n_panels, first_column, scratch);
  keep_near(first, last, distance_threshold, scratch);
}

// The second question.
void LeadingScreen::keep_near(int64_t first, int64_t last, double distance_threshold, Scratch& scratch) const {
  const double r = bounds_.reach(distance_threshold, bytes_.whole());
  const int32_t* from = scratch.columns.data();
  int32_t* to = scratch.columns.data();
  for (int64_t i = first; i < last; ++i) {
    int32_t& count = scratch.counts[i - first];
    const int32_t row_limit = ByteBounds::limit(bytes_.whole(), i, r);
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
