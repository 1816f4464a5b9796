// The ball loss on CUDA: what its four kernels share. In order: class sums and centroids (class_kernels.cuh),
// margins (margins_kernel.cuh), the gradient that reaches each class sum (class_kernels.cuh), the gradient of
// each row with the summary (finish_kernels.cuh). The contract is that of ball_loss.h.
#pragma once

#include <cstddef>
#include <type_traits>

#include "ball_loss/ball_loss.h"
#include "cuda/tiles.cuh"

namespace bcl::cuda {

// What a block of rows adds to the summary.
struct MarginSums {
  double similar, dissimilar, pulled, pushed, bad_labels;
};
constexpr int kMarginSums = 5;
constexpr int kTotals = 4;  // those that are added up over processes: all but the last

template <class T>
struct BallLossArrays {
  const T* embeddings;    // [n, d]
  const int64_t* labels;  // [n]
  const T* raw;           // [1]
  int64_t n, k;
  int64_t n_total;  // samples whose mean the loss is: n, or those of all processes
  int d;
  bool aligned;
  double alpha, margin;
  bool sphere, check_finite;
  T* gradient;  // [n, d], or null
  T* summary;   // [6]

  // Of a batch in several processes, else null.
  T* class_sums;          // [k, d] sums, then [k] numbers, then [k] sums of squares
  double* totals;         // [kTotals]
  T* centroid_gradients;  // [k, d] dL/dmu_k

  // Scratch.
  double* margin_sums;      // [margin blocks, kMarginSums]
  T* centroids;             // [k, d]
  T* through;               // [k, d] what a class sum's gradient adds to each of its rows
  T* starts;                // [k] -|mu|^2 / 2, -infinity without centroid
  T* inverse_norms;         // [k]
  int32_t* lost;            // [k] whether there are samples but no centroid
  int32_t* pulled_to;       // [n] the own class where the similar part is violated, else -1
  int32_t* pushed_by;       // [n] the nearest other class where the dissimilar part is violated, else -1
  int64_t n_margin_blocks;  // with sums
};

// Few rows a block fill the device where there are few rows; many reuse the columns they load.
constexpr int64_t kManyRows = 16384;
constexpr int kFewestRowsPerBlock = 16;

template <class Block, class T>
using SmallTile = DistanceTile<Block, T, 3, 1, 8, 1, 4>;  // 16 x 256
template <class Block, class T>
using LargeTile = DistanceTile<Block, T, 3, 2, 4, 4, 4>;  // 128 x 128

// Points the scratch arrays into `scratch`, 16-byte aligned; returns how many bytes they take (scratch may be null).
template <class T>
size_t place_scratch(BallLossArrays<T>& a, void* scratch) {
  size_t bytes = 0;
  const auto place = [&](auto*& array, int64_t count) {
    array = reinterpret_cast<std::remove_reference_t<decltype(array)>>(static_cast<char*>(scratch) + bytes);
    bytes += (static_cast<size_t>(count) * sizeof(*array) + 15) / 16 * 16;
  };
  place(a.margin_sums, (a.n + kFewestRowsPerBlock - 1) / kFewestRowsPerBlock * kMarginSums);
  place(a.centroids, a.k * a.d);
  place(a.through, a.k * a.d);
  place(a.starts, a.k);
  place(a.inverse_norms, a.k);
  place(a.lost, a.k);
  place(a.pulled_to, a.n);
  place(a.pushed_by, a.n);
  return bytes;
}

template <class T>
BallLossArrays<T> make_arrays(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t num_classes,
                              const T* raw, const BallLossOptions& options, T* gradient, T* summary) {
  BallLossArrays<T> a{};
  a.embeddings = embeddings;
  a.labels = labels;
  a.raw = raw;
  a.n = a.n_total = n;
  a.k = num_classes;
  a.d = static_cast<int>(d);
  a.aligned = is_aligned(embeddings, d);
  a.alpha = options.alpha;
  a.margin = options.margin;
  a.sphere = options.sphere;
  a.check_finite = options.check_finite;
  a.gradient = gradient;
  a.summary = summary;
  return a;
}

template <class T>
BCL_DEVICE bool is_finite(T x) {
  return x - x == 0;
}

template <class T>
struct GradientUnits {
  T pull, push;
  explicit BCL_DEVICE GradientUnits(const BallLossArrays<T>& a)
      : pull(static_cast<T>(a.alpha) * static_cast<T>(2.0 / static_cast<double>(a.n_total))),
        push(static_cast<T>(2.0 / static_cast<double>(a.n_total))) {}
};

}  // namespace bcl::cuda
