#include "distance/byte_bounds.h"

#include <algorithm>

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

}  // namespace

ByteBounds::ByteBounds(const ScaledPoints& points, const Directions& directions, const QuantizedPoints& bytes)
    : unit_(points.unit()), bytes_(bytes), stretch_(stretch(directions, points.d())) {}

double ByteBounds::reach(double distance_threshold, const Lengths& lengths) const {
  return std::min(bytes_.scale() * std::sqrt(stretch_ * unit_.scaled(distance_threshold)), 2 * lengths.longest);
}

}  // namespace bcl
