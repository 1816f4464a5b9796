// The CPU engine: walk tiles of inner products, keep a little of each tile, store none.
//
// Squared distances are carried as scores, score(r, c) = start[c] + x_r . y_c. With start[c] = -|y_c|^2 / 2 the nearest
// column has the largest score, and |x_r - y_c|^2 = |x_r|^2 - 2 score(r, c). What is done with a block of scores is the
// *epilogue*.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "simd/kernels.h"

namespace bcl {

// A block of scores (48 kB in float32) stays in the second-level cache between the tile kernel and the epilogue. A task
// is a block of rows: the split is the same for any number of threads.
constexpr int64_t kBlockRows = 48, kBlockColumns = 256;

// The columns y_c of the walk, packed panel by panel.
template <class T>
class Panels {
 public:
  Panels(const Kernels<T>& kernels, int64_t n, int64_t d)
      : kernels_(kernels),
        n_(n),
        d_(d),
        n_panels_((n + kernels.panel_width - 1) / kernels.panel_width),
        values_(static_cast<size_t>(n_panels_ * kernels.panel_width * d)),
        // Columns beyond n are never the best and never selected.
        start_(static_cast<size_t>(n_panels_ * kernels.panel_width), -std::numeric_limits<T>::infinity()) {}

  int64_t n_panels() const { return n_panels_; }
  int64_t width() const { return kernels_.panel_width; }
  int64_t depth() const { return d_; }
  int64_t first_column(int64_t panel) const { return panel * width(); }
  int64_t n_columns(int64_t panel) const { return std::min(width(), n_ - first_column(panel)); }

  // rows: the n_columns(panel) vectors that become this panel's columns. Panels may be packed by different threads.
  void pack(int64_t panel, const T* rows, int64_t ld) {
    kernels_.pack_panel(rows, ld, n_columns(panel), d_, values_.data() + panel * width() * d_);
  }
  T& start(int64_t column) { return start_[column]; }

  const T* values(int64_t panel) const { return values_.data() + panel * width() * d_; }
  const T* starts(int64_t panel) const { return start_.data() + panel * width(); }

 private:
  const Kernels<T>& kernels_;
  int64_t n_, d_, n_panels_;
  std::vector<T> values_, start_;
};

template <class T>
std::vector<T> tile_scratch() {
  return std::vector<T>(kBlockRows * kBlockColumns);
}

// Calls epilogue(scores, first_column, n_columns) for blocks of columns from first_panel on; scores is [m,
// kBlockColumns] with its columns padded to whole panels (n_columns counts them). m <= kBlockRows.
template <class T, class Epilogue>
void walk_tiles(const Kernels<T>& kernels, const T* rows, int64_t ld, int64_t m, const Panels<T>& panels,
                int64_t first_panel, T* scratch, Epilogue&& epilogue) {
  const int64_t step = kBlockColumns / panels.width();
  for (int64_t panel = first_panel; panel < panels.n_panels(); panel += step) {
    const int64_t n_panels = std::min(step, panels.n_panels() - panel);
    kernels.scores(rows, ld, m, panels.values(panel), panels.starts(panel), n_panels, panels.depth(), scratch,
                   kBlockColumns);
    epilogue(static_cast<const T*>(scratch), panels.first_column(panel), n_panels * panels.width());
  }
}

}  // namespace bcl
