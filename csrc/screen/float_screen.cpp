#include "screen/float_screen.h"

#include <algorithm>

namespace bcl {

FloatScreen::FloatScreen(const ScaledPoints& points, const Execution& execution)
    : points_(points), panels_(kernels<float>(), points.n(), points.d()), scratch_(execution) {
  parallel_for(panels_.n_panels(), execution, [&](int64_t panel, int) {
    const int64_t first = panels_.first_column(panel);
    for (int64_t j = first; j < first + panels_.n_columns(panel); ++j) panels_.start(j) = points.start(j);
    panels_.pack(panel, points.row(first), points.d());
  });
}

void FloatScreen::walk(int64_t first, int64_t last, double distance_threshold, int thread, const Found& found) {
  const Found found_above = above_diagonal(found);
  for (int64_t i = first; i < last; i += kBlockRows)
    walk_tile(i, std::min(last, i + kBlockRows), distance_threshold, scratch_[thread], found_above);
}

void FloatScreen::walk_tile(int64_t first, int64_t last, double distance_threshold, Scratch& scratch,
                            const Found& found) const {
  for (int64_t i = first; i < last; ++i) scratch.limits[i - first] = points_.limit(i, distance_threshold);
  walk_tiles(kernels<float>(), points_.row(first), points_.d(), last - first, panels_, first / panels_.width(),
             scratch.scores.data(), [&](const float* scores, int64_t first_column, int64_t n_columns) {
               for (int64_t i = first; i < last; ++i) {
                 const int64_t count = kernels<float>().select_at_least(
                     scores + (i - first) * kBlockColumns, n_columns, scratch.limits[i - first],
                     static_cast<int32_t>(first_column), scratch.columns.data());
                 if (count > 0) found(i, scratch.columns.data(), count);
               }
             });
}

}  // namespace bcl
