// The two kernels of the ball loss in which a block owns classes and adds up rows: centroids, and the gradient that
// comes back through them.
#pragma once

#include <cmath>

#include "ball_loss/arrays.cuh"
#include "ball_loss/class_sums.cuh"

namespace bcl::cuda {

// Classes without samples have no centroid.
template <class Block, class T>
struct CentroidsKernel {
  using Sums = ClassSums<Block, T>;
  struct Shared {
    typename Sums::Shared sums;
  };

  struct Rows {
    const BallLossArrays<T>& a;
    BCL_DEVICE int64_t key(int64_t i) const { return a.labels[i]; }
    BCL_DEVICE T weight(int64_t) const { return 1; }
    BCL_DEVICE const T* row(int64_t i) const { return a.embeddings + i * a.d; }
    BCL_DEVICE T extra(T, T x, int) const { return x * x; }
  };

  static int64_t grid(const BallLossArrays<T>& a) { return (a.k + Sums::kClasses - 1) / Sums::kClasses; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * Sums::kClasses;
    auto totals = Sums::add(block, shared.sums, Rows{a}, a.n, first, a.k, a.d, a.centroids);
    typename Block::template PerThread<T> square, inverse;
    block.each([&](int t) {
      square[t] = 0;
      for_each_feature(a, first, t, [&](T& s) { square[t] += s * s; });
    });
    block.warp_sum([&](int t) -> T& { return square[t]; });
    block.warp_sum([&](int t) -> T& { return totals[t].extra; });
    block.each([&](int t) {
      const int32_t count = totals[t].count;
      inverse[t] = count == 0 ? T(0) : a.sphere ? inverse_length(square[t], totals[t].extra * count) : T(1) / count;
      square[t] = 0;
      for_each_feature(a, first, t, [&](T& s) {
        s *= inverse[t];
        square[t] += s * s;
      });
    });
    block.warp_sum([&](int t) -> T& { return square[t]; });
    block.each([&](int t) {
      const int64_t c = first + t / kWarp;
      if (t % kWarp != 0 || c >= a.k) return;
      a.inverse_norms[c] = inverse[t];
      a.starts[c] = inverse[t] == 0 ? -kInfinity<T> : -square[t] / 2;
      a.lost[c] = totals[t].count > 0 && inverse[t] == 0;
    });
  }

 private:
  template <class F>
  static BCL_DEVICE void for_each_feature(const BallLossArrays<T>& a, int64_t first, int t, F&& f) {
    const int64_t c = first + t / kWarp;
    if (c >= a.k) return;
    for (int p = t % kWarp; p < a.d; p += kWarp) f(a.centroids[c * a.d + p]);
  }

  // 1 / |s|, or 0 where s is zero up to the rounding of its sum: |s|^2 is at most n_k sum |f|^2 (Cauchy-Schwarz).
  static BCL_DEVICE T inverse_length(T square, T largest_square) {
    if (!is_finite(square)) return kNaN<T>;
    const T rounding = 8 * kEpsilon<T>;
    return square <= rounding * rounding * largest_square ? T(0) : 1 / std::sqrt(square);
  }
};

// dL/ds_c = (g - mu (mu . g)) / |s_c| on the sphere, g / n_c else, with g = dL/dmu_c.
template <class Block, class T>
struct ThroughSumsKernel {
  using Sums = ClassSums<Block, T>;
  struct Shared {
    typename Sums::Shared sums;
  };

  // Key j < n: row j pulled by its own class; n + j: row j pushed by another. extra: minus the sum of the weights.
  struct Rows {
    const BallLossArrays<T>& a;
    GradientUnits<T> units;
    BCL_DEVICE int64_t key(int64_t j) const { return j < a.n ? a.pulled_to[j] : a.pushed_by[j - a.n]; }
    BCL_DEVICE T weight(int64_t j) const { return j < a.n ? -units.pull : units.push; }
    BCL_DEVICE const T* row(int64_t j) const { return a.embeddings + (j < a.n ? j : j - a.n) * a.d; }
    BCL_DEVICE T extra(T weight, T, int feature) const { return feature == 0 ? -weight : T(0); }
  };

  static int64_t grid(const BallLossArrays<T>& a) { return (a.k + Sums::kClasses - 1) / Sums::kClasses; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * Sums::kClasses;
    const Rows rows{a, GradientUnits<T>(a)};
    auto totals = Sums::add(block, shared.sums, rows, 2 * a.n, first, a.k, a.d, a.through);
    typename Block::template PerThread<T> along;
    block.warp_sum([&](int t) -> T& { return totals[t].extra; });
    block.each([&](int t) {
      along[t] = 0;
      for_each_feature(a, first, t, [&](T& g, T mu) {
        g += totals[t].extra * mu;
        along[t] += g * mu;
      });
    });
    block.warp_sum([&](int t) -> T& { return along[t]; });
    block.each([&](int t) {
      const int64_t c = first + t / kWarp;
      const T factor = a.sphere ? along[t] : T(0), inverse = c < a.k ? a.inverse_norms[c] : T(0);
      for_each_feature(a, first, t, [&](T& g, T mu) { g = (g - factor * mu) * inverse; });
    });
  }

 private:
  template <class F>
  static BCL_DEVICE void for_each_feature(const BallLossArrays<T>& a, int64_t first, int t, F&& f) {
    const int64_t c = first + t / kWarp;
    if (c >= a.k) return;
    for (int p = t % kWarp; p < a.d; p += kWarp) f(a.through[c * a.d + p], a.centroids[c * a.d + p]);
  }
};

}  // namespace bcl::cuda
