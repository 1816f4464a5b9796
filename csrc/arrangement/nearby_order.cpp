#include "arrangement/nearby_order.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "distance/tiles.h"

namespace bcl {
namespace {

constexpr int64_t kPointsPerPivot = 400, kMostPivots = 2048;

Panels<float> pack_pivots(const ScaledPoints& points, int64_t n_pivots) {
  Panels<float> panels(kernels<float>(), n_pivots, points.d());
  std::vector<float> rows(panels.width() * points.d());
  for (int64_t panel = 0; panel < panels.n_panels(); ++panel) {
    for (int64_t c = 0; c < panels.n_columns(panel); ++c) {
      const int64_t pivot = panels.first_column(panel) + c, i = pivot * points.n() / n_pivots;
      std::copy_n(points.row(i), points.d(), rows.data() + c * points.d());
      panels.start(pivot) = points.start(i);
    }
    panels.pack(panel, rows.data(), points.d());
  }
  return panels;
}

}  // namespace

std::vector<int32_t> nearby_order(const ScaledPoints& points, const Execution& execution) {
  const int64_t n = points.n(), d = points.d();
  const Panels<float> pivots = pack_pivots(points, std::clamp<int64_t>(n / kPointsPerPivot, 1, kMostPivots));
  const Kernels<float>& math = kernels<float>();
  const int64_t n_blocks = (n + kBlockRows - 1) / kBlockRows;
  std::vector<int32_t> nearest(n, 0), order(n);
  std::vector<std::vector<float>> scratch(resolve_threads(execution, n_blocks));
  parallel_for(n_blocks, execution, [&](int64_t b, int thread) {
    if (scratch[thread].empty()) scratch[thread] = tile_scratch<float>();
    const int64_t first = b * kBlockRows, m = std::min(kBlockRows, n - first);
    float best[kBlockRows];
    std::fill(best, best + m, -std::numeric_limits<float>::infinity());
    walk_tiles(math, points.row(first), d, m, pivots, 0, scratch[thread].data(),
               [&](const float* scores, int64_t first_column, int64_t n_columns) {
                 math.update_best(scores, kBlockColumns, m, n_columns, static_cast<int32_t>(first_column), best,
                                  &nearest[first]);
               });
  });
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return nearest[i] < nearest[j]; });
  return order;
}

}  // namespace bcl
