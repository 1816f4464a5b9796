#include "screen/float_screen.h"

#include <algorithm>
#include <utility>

namespace bcl {

FloatScreen::FloatScreen(ScaledPoints points, const Execution& execution)
    : points_(std::move(points)), panels_(kernels<float>(), points_.n(), points_.d()), scratch_(execution) {
  parallel_for(panels_.n_panels(), execution, [&](int64_t panel, int) {
    const int64_t first = panels_.first_column(panel);
    for (int64_t j = first; j < first + panels_.n_columns(panel); ++j) panels_.start(j) = points_.start(j);
    panels_.pack(panel, points_.row(first), points_.d());
  });
}

void FloatScreen::walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) {
  const Found found_asked = asked_about(rows, found);
  for (int64_t i = rows.first; i < rows.last; i += kBlockRows)
    walk_tile({i, std::min(rows.last, i + kBlockRows), rows.first_column}, distance_threshold, scratch_[thread],
              found_asked);
}

void FloatScreen::walk_tile(const WalkedRows& rows, double distance_threshold, Scratch& scratch,
                            const Found& found) const {
  const auto [first, last, first_column] = rows;
  for (int64_t i = first; i < last; ++i) scratch.limits[i - first] = points_.limit(i, distance_threshold);
  walk_tiles(kernels<float>(), points_.row(first), points_.d(), last - first, panels_,
             std::max(first, first_column) / panels_.width(), scratch.scores.data(),
             [&, first = first, last = last](const float* scores, int64_t column, int64_t n_columns) {
               for (int64_t i = first; i < last; ++i) {
                 const int64_t count = kernels<float>().select_at_least(
                     scores + (i - first) * kBlockColumns, n_columns, scratch.limits[i - first],
                     static_cast<int32_t>(column), scratch.columns.data());
                 if (count > 0) found(i, scratch.columns.data(), count);
               }
             });
}

}  // namespace bcl
