// The kernels of the ball loss in which a block owns classes, a warp one, and adds up rows: centroids, and the gradient
// that comes back through them; each as a whole and in two halves.
#pragma once

#include <cmath>

#include "ball_loss/arrays.cuh"
#include "ball_loss/class_sums.cuh"

namespace bcl::cuda {

// Samples by their class, as ClassSums reads them; extra: their squares.
template <class T>
struct SamplesOfClasses {
  const BallLossArrays<T>& a;
  BCL_DEVICE int64_t key(int64_t i) const { return a.labels[i]; }
  BCL_DEVICE T weight(int64_t) const { return 1; }
  BCL_DEVICE const T* row(int64_t i) const { return a.embeddings + i * a.d; }
  BCL_DEVICE T extra(T, T x, int) const { return x * x; }
};

// f(place) for the features of thread t: every 32nd of the class that its warp owns.
template <class T, class F>
BCL_DEVICE void for_each_feature(const BallLossArrays<T>& a, int64_t first, int t, F&& f) {
  const int64_t c = first + t / kWarp;
  if (c >= a.k) return;
  for (int p = t % kWarp; p < a.d; p += kWarp) f(c * a.d + p);
}

// Class sums, where a.centroids has them, become centroids. Classes without samples have none.
template <class Block, class T>
struct Centroids {
  using Sums = ClassSums<Block, T>;
  using Totals = typename Block::template PerThread<typename Sums::Totals>;

  static BCL_DEVICE void finish(Block& block, const BallLossArrays<T>& a, int64_t first, Totals& totals) {
    typename Block::template PerThread<T> square, inverse;
    block.each([&](int t) {
      square[t] = 0;
      for_each_feature(a, first, t, [&](int64_t at) { square[t] += a.centroids[at] * a.centroids[at]; });
    });
    block.warp_sum([&](int t) -> T& { return square[t]; });
    block.warp_sum([&](int t) -> T& { return totals[t].extra; });
    block.each([&](int t) {
      const T count = static_cast<T>(totals[t].count);
      inverse[t] = count == 0 ? T(0) : a.sphere ? inverse_length(square[t], totals[t].extra * count) : T(1) / count;
      square[t] = 0;
      for_each_feature(a, first, t, [&](int64_t at) {
        a.centroids[at] *= inverse[t];
        square[t] += a.centroids[at] * a.centroids[at];
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
  // 1 / |s|, or 0 where s is zero up to the rounding of its sum: |s|^2 is at most n_k sum |f|^2 (Cauchy-Schwarz).
  static BCL_DEVICE T inverse_length(T square, T largest_square) {
    if (!is_finite(square)) return kNaN<T>;
    const T rounding = 8 * kEpsilon<T>;
    return square <= rounding * rounding * largest_square ? T(0) : 1 / std::sqrt(square);
  }
};

template <class T>
int64_t grid_over_classes(const BallLossArrays<T>& a) {
  return (a.k + kWarps - 1) / kWarps;
}

template <class Block, class T>
struct CentroidsKernel {
  using Sums = ClassSums<Block, T>;
  struct Shared {
    typename Sums::Shared sums;
  };

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * Sums::kClasses;
    auto totals = Sums::add(block, shared.sums, SamplesOfClasses<T>{a}, a.n, first, a.k, a.d, a.centroids);
    Centroids<Block, T>::finish(block, a, first, totals);
  }
};

// The two halves of CentroidsKernel, between which processes add up a.class_sums.
template <class Block, class T>
struct ClassSumsKernel {
  using Sums = ClassSums<Block, T>;
  struct Shared {
    typename Sums::Shared sums;
  };

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * Sums::kClasses;
    auto totals = Sums::add(block, shared.sums, SamplesOfClasses<T>{a}, a.n, first, a.k, a.d, a.class_sums);
    block.warp_sum([&](int t) -> T& { return totals[t].extra; });
    block.each([&](int t) {
      const int64_t c = first + t / kWarp;
      if (t % kWarp != 0 || c >= a.k) return;
      a.class_sums[a.k * a.d + c] = static_cast<T>(totals[t].count);
      a.class_sums[a.k * (a.d + 1) + c] = totals[t].extra;
    });
  }
};

template <class Block, class T>
struct SummedCentroidsKernel {
  struct Shared {};

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared&, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * kWarps;
    typename Centroids<Block, T>::Totals totals;
    block.each([&](int t) {
      const int64_t c = first + t / kWarp;
      totals[t] = {};
      if (c >= a.k) return;
      totals[t].count = static_cast<int32_t>(a.class_sums[a.k * a.d + c]);
      if (t % kWarp == 0) totals[t].extra = a.class_sums[a.k * (a.d + 1) + c];
      for_each_feature(a, first, t, [&](int64_t at) { a.centroids[at] = a.class_sums[at]; });
    });
    Centroids<Block, T>::finish(block, a, first, totals);
  }
};

// What reaches each centroid. Key j < n: row j pulled by its own class; n + j: row j pushed by another. extra: minus
// the sum of the weights.
template <class T>
struct PullsAndPushes {
  const BallLossArrays<T>& a;
  GradientUnits<T> units;
  BCL_DEVICE int64_t key(int64_t j) const { return j < a.n ? a.pulled_to[j] : a.pushed_by[j - a.n]; }
  BCL_DEVICE T weight(int64_t j) const { return j < a.n ? -units.pull : units.push; }
  BCL_DEVICE const T* row(int64_t j) const { return a.embeddings + (j < a.n ? j : j - a.n) * a.d; }
  BCL_DEVICE T extra(T weight, T, int feature) const { return feature == 0 ? -weight : T(0); }
};

template <class Block, class T>
struct CentroidGradients {
  using Sums = ClassSums<Block, T>;

  // g = dL/dmu_c of the block's classes, as far as it comes from these rows.
  static BCL_DEVICE void add(Block& block, typename Sums::Shared& shared, const BallLossArrays<T>& a, int64_t first,
                             T* g /* [k, d] */) {
    const PullsAndPushes<T> rows{a, GradientUnits<T>(a)};
    auto totals = Sums::add(block, shared, rows, 2 * a.n, first, a.k, a.d, g);
    block.warp_sum([&](int t) -> T& { return totals[t].extra; });
    block.each(
        [&](int t) { for_each_feature(a, first, t, [&](int64_t at) { g[at] += totals[t].extra * a.centroids[at]; }); });
  }

  // dL/ds_c = (g - mu (mu . g)) / |s_c| on the sphere, g / n_c else.
  static BCL_DEVICE void lead_through_sums(Block& block, const BallLossArrays<T>& a, int64_t first, const T* g) {
    typename Block::template PerThread<T> along;
    block.each([&](int t) {
      along[t] = 0;
      for_each_feature(a, first, t, [&](int64_t at) { along[t] += g[at] * a.centroids[at]; });
    });
    block.warp_sum([&](int t) -> T& { return along[t]; });
    block.each([&](int t) {
      const int64_t c = first + t / kWarp;
      const T factor = a.sphere ? along[t] : T(0), inverse = c < a.k ? a.inverse_norms[c] : T(0);
      for_each_feature(a, first, t, [&](int64_t at) { a.through[at] = (g[at] - factor * a.centroids[at]) * inverse; });
    });
  }
};

template <class Block, class T>
struct ThroughSumsKernel {
  struct Shared {
    typename ClassSums<Block, T>::Shared sums;
  };

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * kWarps;
    CentroidGradients<Block, T>::add(block, shared.sums, a, first, a.through);
    CentroidGradients<Block, T>::lead_through_sums(block, a, first, a.through);
  }
};

// The two halves of ThroughSumsKernel, between which processes add up a.centroid_gradients.
template <class Block, class T>
struct CentroidGradientsKernel {
  struct Shared {
    typename ClassSums<Block, T>::Shared sums;
  };

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    CentroidGradients<Block, T>::add(block, shared.sums, a, block.index() * kWarps, a.centroid_gradients);
  }
};

template <class Block, class T>
struct ThroughSummedKernel {
  struct Shared {};

  static int64_t grid(const BallLossArrays<T>& a) { return grid_over_classes(a); }

  static BCL_DEVICE void run(Block& block, Shared&, const BallLossArrays<T>& a) {
    CentroidGradients<Block, T>::lead_through_sums(block, a, block.index() * kWarps, a.centroid_gradients);
  }
};

}  // namespace bcl::cuda
