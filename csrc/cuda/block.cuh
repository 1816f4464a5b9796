// What a kernel may do, apart from what it computes: threads, barriers, warps, shared memory, tensor cores.
//
// A kernel here is a function template over `Block`. With CudaBlock it is device code; with the SimulatedBlock of the
// tests (tests/core/cuda/simulated_block.h) the very same index, tiling and reduction code runs on the host, thread by
// thread, and every access to shared memory is checked for races. That takes three rules:
//   - what threads do stands in `block.each([&](int t) { ... })`; code outside is the same for the whole block;
//   - what a thread keeps from one `each` to the next is a PerThread<T>, indexed by t;
//   - shared memory is made of Array<T, n>; threads see each other's writes after `block.sync()` alone.
#pragma once

#include <cstdint>
#include <limits>

#ifdef __CUDACC__
#define BCL_DEVICE __device__ __forceinline__
#define BCL_PRAGMA(text) _Pragma(#text)
#define BCL_UNROLL BCL_PRAGMA(unroll)
#define BCL_UNROLL_BY(n) BCL_PRAGMA(unroll n)
#else
#define BCL_DEVICE inline
#define BCL_UNROLL
#define BCL_UNROLL_BY(n)
#endif

namespace bcl::cuda {

constexpr int kThreads = 256, kWarp = 32, kWarps = kThreads / kWarp;

// Fragments of a 16 x 8 product of depth 8, as mma.sync.m16n8k8 spreads them over the lanes of a warp (PTX ISA, matrix
// fragments of mma.m16n8k8 with .tf32): element v of lane l lies at
struct Fragment {
  static BCL_DEVICE int a_row(int l, int v) { return l / 4 + 8 * (v % 2); }
  static BCL_DEVICE int a_depth(int l, int v) { return l % 4 + 4 * (v / 2); }
  static BCL_DEVICE int b_depth(int l, int v) { return l % 4 + 4 * v; }
  static BCL_DEVICE int b_column(int l) { return l / 4; }
  static BCL_DEVICE int c_row(int l, int v) { return l / 4 + 8 * (v / 2); }
  static BCL_DEVICE int c_column(int l, int v) { return 2 * (l % 4) + v % 2; }
};

// Constants, for device code may not call the functions of numeric_limits.
template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T kEpsilon = std::numeric_limits<T>::epsilon();

template <class T, int n>
struct Values {
  T v[n];
};

BCL_DEVICE int count_bits(uint32_t bits) {
#ifdef __CUDA_ARCH__
  return __popc(bits);
#else
  return __builtin_popcount(bits);
#endif
}

#ifdef __CUDACC__

struct CudaBlock {
  template <class T>
  struct PerThread {
    T own;
    __device__ __forceinline__ T& operator[](int) { return own; }
  };

  template <class T, int n>
  struct alignas(16) Array {
    T values[n];
    __device__ __forceinline__ T& operator[](int i) { return values[i]; }
  };

  __device__ __forceinline__ int64_t index() const { return blockIdx.x; }

  template <class F>
  __device__ __forceinline__ void each(F&& f) {
    f(static_cast<int>(threadIdx.x));
  }

  __device__ __forceinline__ void sync() { __syncthreads(); }

  // Every lane gets the sum over its warp, added in one fixed order. value(t): a reference to what thread t brings.
  template <class F>
  __device__ __forceinline__ void warp_sum(F&& value) {
    auto& own = value(static_cast<int>(threadIdx.x));
    BCL_UNROLL
    for (int mask = kWarp / 2; mask > 0; mask /= 2) own += __shfl_xor_sync(0xffffffffu, own, mask);
  }

  // The sum of value(t) over the lanes below, for every lane.
  template <class F>
  __device__ __forceinline__ PerThread<int32_t> warp_prefix(F&& value) {
    const int t = static_cast<int>(threadIdx.x);
    const int32_t own = value(t);
    int32_t sum = own;
    BCL_UNROLL
    for (int step = 1; step < kWarp; step *= 2) {
      const int32_t below = __shfl_up_sync(0xffffffffu, sum, step);
      if (t % kWarp >= step) sum += below;
    }
    return {sum - own};
  }

  // Bit l of a lane's result: whether lane l of its warp holds.
  template <class F>
  __device__ __forceinline__ PerThread<uint32_t> ballot(F&& holds) {
    return {__ballot_sync(0xffffffffu, holds(static_cast<int>(threadIdx.x)))};
  }

  // Every lane's send(t) goes to receive(t, value) of the lane whose number differs in the bits of `mask`.
  template <class Send, class Receive>
  __device__ __forceinline__ void exchange(int mask, Send&& send, Receive&& receive) {
    const int t = static_cast<int>(threadIdx.x);
    receive(t, __shfl_xor_sync(0xffffffffu, send(t), mask));
  }

  // c += a b for every warp: a(t), b(t), c(t) are thread t's fragments; a and b are in TF32.
  template <class C, class A, class B>
  __device__ __forceinline__ void multiply(C&& c, A&& a, B&& b) {
    const int t = static_cast<int>(threadIdx.x);
    Values<float, 4>& sum = c(t);
    const Values<float, 4>& left = a(t);
    const Values<float, 2>& right = b(t);
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sum.v[0]), "+f"(sum.v[1]), "+f"(sum.v[2]), "+f"(sum.v[3])
        : "r"(__float_as_uint(left.v[0])), "r"(__float_as_uint(left.v[1])), "r"(__float_as_uint(left.v[2])),
          "r"(__float_as_uint(left.v[3])), "r"(__float_as_uint(right.v[0])), "r"(__float_as_uint(right.v[1])));
  }

  // From within `each`: array[at, at + n) = source[0, valid), then zeros, once this thread has waited for it. n
  // elements are 4, 8 or 16 bytes, and both sides are aligned to them.
  template <int n, class T, int size>
  __device__ __forceinline__ void copy_async(Array<T, size>& array, int at, const T* source, int valid) {
    constexpr int kBytes = n * static_cast<int>(sizeof(T));
    const uint32_t target = static_cast<uint32_t>(__cvta_generic_to_shared(&array.values[at]));
    const int bytes = valid * static_cast<int>(sizeof(T));
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(target), "l"(source), "n"(kBytes), "r"(bytes)
                 : "memory");
  }
  __device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

  // All groups of copies but the last `pending` have arrived; other threads see them after a barrier.
  template <int pending>
  __device__ __forceinline__ void wait_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
  }
};

#endif

}  // namespace bcl::cuda
