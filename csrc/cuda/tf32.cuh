// A float32 as the sum of two TF32 numbers (8 bits of exponent, 10 of mantissa), for products on tensor cores.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda/block.cuh"

namespace bcl::cuda {

// The nearest TF32 number, ties away from zero.
BCL_DEVICE float to_tf32(float x) {
#ifdef __CUDA_ARCH__
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return __uint_as_float(bits);
#else
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  if (finite) bits = (bits + 0x1000u) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof(bits));
  return x;
#endif
}

// x = big + small up to 2^-22 |x|: the products big.big + big.small + small.big miss a float32 product by as little.
template <int n>
BCL_DEVICE void split_tf32(const Values<float, n>& x, Values<float, n>& big, Values<float, n>& small) {
  BCL_UNROLL
  for (int i = 0; i < n; ++i) {
    big.v[i] = to_tf32(x.v[i]);
    small.v[i] = to_tf32(x.v[i] - big.v[i]);
  }
}

}  // namespace bcl::cuda
