#include "arrangement/byte_centers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/thread_scratch.h"

namespace bcl {
namespace {

constexpr int64_t kRows = 64;          // of a task
constexpr int64_t kPanels = 16;        // that are asked about at once
constexpr int64_t kRowsAtOnce = 1024;  // that are looked at before those made centres of are packed

int32_t square(const int8_t* x, int64_t depth) {
  int32_t sum = 0;
  for (int64_t p = 0; p < depth; ++p) sum += x[p] * x[p];
  return sum;
}

}  // namespace

struct ByteCenters::Scratch {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> words;
  std::vector<int32_t> limits = std::vector<int32_t>(kRows);
  std::vector<uint64_t> masks = std::vector<uint64_t>(kRows * kPanels);
  std::vector<int32_t> distances = std::vector<int32_t>(kRows);
};

void ByteCenters::pack(const Execution& execution) {
  const ScreenKernels& math = screen_kernels();
  const int64_t depth = points_->depth(), n_panels = (n() + kScreenColumns - 1) / kScreenColumns;
  panels_.resize(n_panels * kScreenColumns * depth);
  starts_.resize(n_panels * kScreenColumns);
  const int64_t first_panel = n_packed_ / kScreenColumns;
  parallel_for(n_panels - first_panel, execution, [&](int64_t t, int) {
    const int64_t first = (first_panel + t) * kScreenColumns, count = std::min(kScreenColumns, n() - first);
    std::vector<int8_t> columns(count * depth);
    int32_t starts[kScreenColumns];
    for (int64_t c = 0; c < count; ++c) {
      points_->write_column(row(first + c), &columns[c * depth]);
      starts[c] = points_->column_start(row(first + c)) - square(row(first + c), depth) / 2;
    }
    math.pack(columns.data(), starts, count, kScreenColumns / math.tile_columns, depth, &panels_[first * depth],
              &starts_[first]);
  });
  n_packed_ = n();
}

void ByteCenters::find_nearest(const Rows& rows, int64_t n_rows, double squared_radius, const Execution& execution,
                               int32_t* nearest) {
  if (n_packed_ < n()) pack(execution);
  const int64_t n_tasks = (n_rows + kRows - 1) / kRows;
  ThreadScratch<Scratch> scratch(execution, n_tasks);
  parallel_for(n_tasks, execution, [&](int64_t t, int thread) {
    find_nearest_of_block(rows, t * kRows, std::min(n_rows, (t + 1) * kRows), squared_radius, scratch[thread],
                          nearest + t * kRows);
  });
}

void ByteCenters::find_nearest_of_block(const Rows& rows, int64_t first, int64_t last, double squared_radius,
                                        Scratch& scratch, int32_t* nearest) const {
  const ScreenKernels& math = screen_kernels();
  const int64_t depth = points_->depth(), row_words = depth / math.features_per_word, n_rows = last - first;
  scratch.bytes.resize(depth);
  scratch.words.resize(n_rows * row_words);
  const int8_t* of_row[kRows];
  for (int64_t r = 0; r < n_rows; ++r) {
    of_row[r] = rows(first + r);
    points_->write_row(of_row[r], scratch.bytes.data());
    math.pack_row(scratch.bytes.data(), depth, &scratch.words[r * row_words]);
    const double limit = std::floor((square(of_row[r], depth) - squared_radius) / 2);
    scratch.limits[r] = static_cast<int32_t>(std::clamp<double>(limit, -math.largest_sum, math.largest_sum));
  }
  std::fill_n(nearest, n_rows, -1);
  std::fill_n(scratch.distances.begin(), n_rows, std::numeric_limits<int32_t>::max());
  for (int64_t first_column = 0; first_column < n_packed_; first_column += kPanels * kScreenColumns) {
    const int64_t n_panels = std::min(kPanels, (n_packed_ - first_column + kScreenColumns - 1) / kScreenColumns);
    math.select(scratch.words.data(), scratch.limits.data(), n_rows, &panels_[first_column * depth],
                &starts_[first_column], n_panels * kScreenColumns / math.tile_columns, depth, scratch.masks.data(),
                kPanels);
    for (int64_t r = 0; r < n_rows; ++r) std::fill_n(&scratch.masks[r * kPanels] + n_panels, kPanels - n_panels, 0);
    improve(of_row, n_rows, first_column, scratch, nearest);
  }
}

void ByteCenters::improve(const int8_t* const* rows, int64_t n_rows, int64_t first_column, Scratch& scratch,
                          int32_t* nearest) const {
  for (int64_t r = 0; r < n_rows; ++r)
    for (int64_t panel = 0; panel < kPanels; ++panel)
      for (uint64_t mask = scratch.masks[r * kPanels + panel]; mask != 0; mask &= mask - 1) {
        const int64_t c = first_column + panel * kScreenColumns + __builtin_ctzll(mask);
        const int32_t distance = squared_distance(rows[r], row(c), points_->depth());
        if (distance >= scratch.distances[r]) continue;
        scratch.distances[r] = distance;
        nearest[r] = static_cast<int32_t>(c);
      }
}

bool ByteCenters::add_scattered(const Rows& rows, int64_t n_rows, double squared_radius, const Execution& execution,
                                const Enough& enough) {
  std::vector<int32_t> nearest(kRowsAtOnce);
  for (int64_t first = 0; first < n_rows; first += kRowsAtOnce) {
    if (enough && enough(first, n())) return false;
    const int64_t count = std::min(kRowsAtOnce, n_rows - first), n_before = n();
    find_nearest([&](int64_t t) { return rows(first + t); }, count, squared_radius, execution, nearest.data());
    for (int64_t t = 0; t < count; ++t) {
      bool covered = nearest[t] >= 0;
      for (int64_t c = n_before; c < n() && !covered; ++c)
        covered = squared_distance(rows(first + t), row(c), points_->depth()) <= squared_radius;
      if (!covered) add(rows(first + t));
    }
  }
  return true;
}

}  // namespace bcl
