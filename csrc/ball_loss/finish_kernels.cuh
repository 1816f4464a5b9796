// The last kernels of the ball loss, and that of the backward pass.
#pragma once

#include <cmath>

#include "ball_loss/arrays.cuh"

namespace bcl::cuda {

// Sums over the blocks of the margins.
template <class Block>
struct MarginTotals {
  using Sums = Values<double, kMarginSums + 1>;  // the last: classes without centroid
  struct Shared {
    typename Block::template Array<double, kWarps*(kMarginSums + 1)> sums;
  };

  // f(total) in one thread.
  template <class T, class F>
  static BCL_DEVICE void add(Block& block, Shared& shared, const BallLossArrays<T>& a, const F& f) {
    typename Block::template PerThread<Sums> sums;
    block.each([&](int t) {
      sums[t] = {};
      for (int64_t b = t; b < a.n_margin_blocks; b += kThreads)
        for (int v = 0; v < kMarginSums; ++v) sums[t].v[v] += a.margin_sums[b * kMarginSums + v];
      for (int64_t c = t; c < a.k; c += kThreads) sums[t].v[kMarginSums] += a.lost[c];
    });
    for (int v = 0; v <= kMarginSums; ++v) {
      block.warp_sum([&](int t) -> double& { return sums[t].v[v]; });
      block.each([&](int t) {
        if (t % kWarp == 0) shared.sums[v * kWarps + t / kWarp] = sums[t].v[v];
      });
    }
    block.sync();
    block.each([&](int t) {
      if (t != 0) return;
      Sums total{};
      for (int v = 0; v <= kMarginSums; ++v)
        for (int warp = 0; warp < kWarps; ++warp) total.v[v] += shared.sums[v * kWarps + warp];
      f(total);
    });
  }
};

// Writes a.totals, for processes to add up. One block.
template <class Block, class T>
struct MarginTotalsKernel {
  using Shared = typename MarginTotals<Block>::Shared;

  static int64_t grid(const BallLossArrays<T>&) { return 1; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    MarginTotals<Block>::add(block, shared, a, [&](const auto& total) {
      for (int v = 0; v < kTotals; ++v) a.totals[v] = total.v[v];
    });
  }
};

// The first block writes the summary, from a.totals where there are some; each other the gradient of eight rows.
template <class Block, class T>
struct FinishKernel {
  using Shared = typename MarginTotals<Block>::Shared;
  using Sums = typename MarginTotals<Block>::Sums;

  static int64_t grid(const BallLossArrays<T>& a) {
    return 1 + (a.gradient == nullptr ? 0 : (a.n + kWarps - 1) / kWarps);
  }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    if (block.index() == 0)
      return MarginTotals<Block>::add(block, shared, a, [&](Sums total) {
        for (int v = 0; v < kTotals && a.totals != nullptr; ++v) total.v[v] = a.totals[v];
        write_summary(a, total);
      });
    block.each([&](int t) {
      const int64_t i = (block.index() - 1) * kWarps + t / kWarp;
      if (i < a.n) write_gradient(a, i, t % kWarp);
    });
  }

 private:
  static BCL_DEVICE void write_gradient(const BallLossArrays<T>& a, int64_t i, int lane) {
    const GradientUnits<T> units(a);
    const int64_t own = a.labels[i], other = a.pushed_by[i];
    const bool bad = own < 0 || own >= a.k;
    const T p = a.pulled_to[i] >= 0 ? units.pull : T(0), q = other >= 0 ? units.push : T(0);
    for (int f = lane; f < a.d; f += kWarp) {
      T g = kNaN<T>;
      if (!bad) {
        g = (p - q) * a.embeddings[i * a.d + f] - p * a.centroids[own * a.d + f] + a.through[own * a.d + f];
        if (other >= 0) g += q * a.centroids[other * a.d + f];
      }
      a.gradient[i * a.d + f] = g;
    }
  }

  static BCL_DEVICE void write_summary(const BallLossArrays<T>& a, const Sums& total) {
    const double n = static_cast<double>(a.n_total), raw = *a.raw;
    const double similar = total.v[0] / n, dissimilar = total.v[1] / n, pulled = total.v[2] / n,
                 pushed = total.v[3] / n;
    const bool refused = total.v[4] > 0 || (a.check_finite && total.v[5] > 0);
    const double loss = refused ? kNaN<double> : a.alpha * similar + dissimilar;
    const double raw_gradient = (9 * pushed - a.alpha * pulled) / (1 + std::exp(-raw));
    const double values[] = {loss, similar, dissimilar, pulled, pushed, raw_gradient};
    for (int v = 0; v < 6; ++v) a.summary[v] = static_cast<T>(values[v]);
  }
};

// out = factor * values, of which each block takes kScaled, and the first of all the last value too, which lies apart.
template <class Block, class T>
struct ScaleKernel {
  struct Shared {};
  struct Arrays {
    const T* values;
    int64_t n;
    const T* last;    // [1]
    const T* factor;  // [1]
    T* out;
    T* last_out;  // [1]
  };
  static constexpr int kEach = 8, kScaled = kEach * kThreads;

  static int64_t grid(const Arrays& a) { return a.n == 0 ? 1 : (a.n + kScaled - 1) / kScaled; }

  static BCL_DEVICE void run(Block& block, Shared&, const Arrays& a) {
    block.each([&](int t) {
      const T factor = *a.factor;
      if (block.index() == 0 && t == 0) *a.last_out = factor * *a.last;
      BCL_UNROLL
      for (int q = 0; q < kEach; ++q) {
        const int64_t i = block.index() * kScaled + q * kThreads + t;
        if (i < a.n) a.out[i] = factor * a.values[i];
      }
    });
  }
};

}  // namespace bcl::cuda
