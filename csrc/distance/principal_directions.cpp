#include "distance/principal_directions.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "simd/kernels.h"

namespace bcl {
namespace {

constexpr int64_t kSampleSize = 1024;
constexpr int kIterations = 3;

// directions <- sum over the sample of x (x . direction), by ranges of directions.
std::vector<float> apply_scatter(const ScaledPoints& points, const std::vector<float>& directions, int64_t n,
                                 const Execution& execution) {
  const Kernels<float>& math = kernels<float>();
  const int64_t d = points.d(), n_samples = std::min(kSampleSize, points.n());
  std::vector<float> applied(n * d, 0.0f);
  parallel_for(n, execution, [&](int64_t p, int) {
    for (int64_t s = 0; s < n_samples; ++s) {
      const float* x = points.row(s * points.n() / n_samples);
      math.axpy(applied.data() + p * d, math.dot(x, directions.data() + p * d, d), x, d);
    }
  });
  return applied;
}

// Makes the rows orthonormal in order (Gram-Schmidt, twice). A row that vanishes ends the list: its length is returned.
int64_t orthonormalize(std::vector<float>& rows, int64_t n, int64_t d) {
  const Kernels<float>& math = kernels<float>();
  for (int64_t p = 0; p < n; ++p) {
    float* const row = rows.data() + p * d;
    const float before = math.dot(row, row, d);
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t r = 0; r < p; ++r) math.axpy(row, -math.dot(row, rows.data() + r * d, d), rows.data() + r * d, d);
    const float after = math.dot(row, row, d);
    if (!(after > 1e-10f * before) || !(after > 1e-30f)) return p;
    math.scale(row, 1 / std::sqrt(after), row, d);
  }
  return n;
}

}  // namespace

Directions principal_directions(const ScaledPoints& points, int64_t max_directions, const Execution& execution) {
  const int64_t d = points.d();
  int64_t n = std::min(max_directions, d);
  std::mt19937 generator(0);
  std::vector<float> rows(n * d);
  for (float& x : rows) x = static_cast<float>(static_cast<int32_t>(generator())) * 0x1p-31f;
  for (int i = 0; i < kIterations; ++i) {
    n = orthonormalize(rows, n, d);
    rows = apply_scatter(points, rows, n, execution);
  }
  n = orthonormalize(rows, n, d) / 2 * 2;
  rows.resize(n * d);
  return {std::move(rows), n};
}

}  // namespace bcl
