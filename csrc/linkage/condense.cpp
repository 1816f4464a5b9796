#include "linkage/condense.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bcl {
namespace {

constexpr int64_t kTile = 32;  // two tiles, one of them read column by column, stay in the first-level cache

// Whether two directions of a pair are one distance; then it is left in `distance`.
template <class T>
bool agree(T a, T b, const Tolerance& tolerance, T& distance) {
  const double low = std::min<double>(a, b), gap = std::abs(static_cast<double>(a) - static_cast<double>(b));
  const double sum = std::abs(static_cast<double>(a)) + std::abs(static_cast<double>(b));
  if (!(low >= -tolerance.relative * tolerance.scale)) return false;  // NaN too
  if (a != b && !(gap / tolerance.scale * (sum / tolerance.scale) <= tolerance.relative)) return false;
  distance = a == b ? a : a / 2 + b / 2;
  if (distance < 0) distance = 0;
  return true;
}

template <class T>
BadPair condense_rows(const T* square, int64_t n, int64_t first, const Tolerance& tolerance, T* condensed) {
  const CondensedRows rows(n);
  const int64_t last = std::min(n, first + kTile);
  BadPair bad;
  for (int64_t column = first; column < n; column += kTile)
    for (int64_t i = first; i < last; ++i)
      for (int64_t j = std::max(i + 1, column); j < std::min(n, column + kTile); ++j) {
        const T a = square[i * n + j], b = square[j * n + i];
        T& distance = condensed[rows.begin(i) + j];
        distance = a;
        if (a == b && a >= 0) continue;
        if (!agree(a, b, tolerance, distance) && (bad.i < 0 || i < bad.i)) bad = {i, j};
      }
  return bad;
}

}  // namespace

template <class T>
BadPair condense(const T* square, int64_t n, const Tolerance& tolerance, T* condensed, const Execution& execution) {
  const int64_t n_tasks = (n + kTile - 1) / kTile;
  std::vector<BadPair> bad(n_tasks);
  parallel_for(n_tasks, execution,
               [&](int64_t t, int) { bad[t] = condense_rows(square, n, t * kTile, tolerance, condensed); });
  const auto first = std::find_if(bad.begin(), bad.end(), [](const BadPair& pair) { return pair.i >= 0; });
  return first == bad.end() ? BadPair() : *first;
}

template BadPair condense(const float*, int64_t, const Tolerance&, float*, const Execution&);
template BadPair condense(const double*, int64_t, const Tolerance&, double*, const Execution&);

}  // namespace bcl
