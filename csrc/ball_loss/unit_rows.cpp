#include "ball_loss/unit_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "distance/tiles.h"
#include "runtime/parallel.h"

namespace bcl {
namespace {

constexpr int64_t kRows = 512;       // of a task
constexpr double kSmallest = 1e-12;  // a shorter row has no direction, as for torch.nn.functional.normalize

// |x|, also where its square leaves the range of T.
template <class T>
double length_in_range(const T* x, int64_t d) {
  double largest = 0, square = 0;
  for (int64_t p = 0; p < d; ++p) largest = std::max(largest, std::abs(static_cast<double>(x[p])));
  if (largest == 0) return 0;
  for (int64_t p = 0; p < d; ++p) square += (x[p] / largest) * (x[p] / largest);
  return largest * std::sqrt(square);
}

// 1 / |x|; 1 where that is 1 up to rounding, 0 without a direction, NaN where a number is not finite.
template <class T>
T inverse_length(const T* x, int64_t d) {
  constexpr T kRounding = 64 * std::numeric_limits<T>::epsilon();
  const T square = kernels<T>().dot(x, x, d);
  if (std::abs(square - 1) <= kRounding) return 1;
  if (square >= T(1e-20) && square <= T(1e30)) return 1 / std::sqrt(square);
  if (!std::all_of(x, x + d, [](T value) { return std::isfinite(value); })) return std::numeric_limits<T>::quiet_NaN();
  const double length = length_in_range(x, d);
  return length < kSmallest ? T(0) : static_cast<T>(1 / length);
}

template <class F>
void for_each_row(int64_t n, int n_threads, const F& f) {
  parallel_for((n + kRows - 1) / kRows, n_threads, [&](int64_t task, int) {
    for (int64_t i = task * kRows; i < std::min(n, (task + 1) * kRows); ++i) f(i);
  });
}

}  // namespace

template <class T>
UnitRows<T>::UnitRows(const T* rows, int64_t n, int64_t d, int n_threads) : rows_(rows), d_(d), inverse_lengths_(n) {
  for_each_row(n, n_threads, [&](int64_t i) { inverse_lengths_[i] = inverse_length(rows + i * d, d); });
  if (std::all_of(inverse_lengths_.begin(), inverse_lengths_.end(), [](T inverse) { return inverse == 1; })) return;
  scaled_.resize(n * d);
  for_each_row(n, n_threads,
               [&](int64_t i) { kernels<T>().scale(&scaled_[i * d], inverse_lengths_[i], rows + i * d, d); });
}

template <class T>
void UnitRows<T>::pull_back(int64_t i, T* gradient) const {
  const T* unit = data() + i * d_;
  kernels<T>().axpy(gradient, -kernels<T>().dot(unit, gradient, d_), unit, d_);
  if (inverse_lengths_[i] != 1) kernels<T>().scale(gradient, inverse_lengths_[i], gradient, d_);
}

template class UnitRows<float>;
template class UnitRows<double>;

}  // namespace bcl
