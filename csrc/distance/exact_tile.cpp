#include "distance/exact_tile.h"

#include <algorithm>

#include "simd/exact_kernels.h"

namespace bcl {

template <class T>
void ExactTile::measure(const T* points, int64_t d, const int32_t* rows, int64_t n_rows, const int32_t* columns,
                        int64_t n_columns) {
  const ExactTiles& kernels = exact_tiles();
  const int64_t width = kernels.panel_width;
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (int64_t feature = 0; feature < d; feature += kFeatures) {
    const int64_t depth = std::min(kFeatures, d - feature);
    for (int64_t r = 0; r < n_rows; ++r)
      std::copy_n(points + rows[r] * d + feature, depth, rows_.data() + r * kFeatures);
    for (int64_t c = 0; c < n_columns; ++c) {
      const T* const from = points + columns[c] * d + feature;
      double* const to = columns_.data() + c / width * width * kFeatures + c % width;
      for (int64_t p = 0; p < depth; ++p) to[p * width] = static_cast<double>(from[p]);
    }
    for (int64_t c = 0; c < n_columns; c += width)
      kernels.add_squares(rows_.data(), kFeatures, n_rows, columns_.data() + c * kFeatures, depth, sums_.data() + c,
                          kColumns);
  }
}

template void ExactTile::measure(const float*, int64_t, const int32_t*, int64_t, const int32_t*, int64_t);
template void ExactTile::measure(const double*, int64_t, const int32_t*, int64_t, const int32_t*, int64_t);

}  // namespace bcl
