// Launching a kernel of block.cuh's kind on a device, and what to say when that fails.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

#include "cuda/block.cuh"

namespace bcl::cuda {

inline void check(cudaError_t error) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // an error that does not stay with the context is reported once
  if (error == cudaErrorInsufficientDriver || error == cudaErrorNoDevice)
    throw std::runtime_error("CUDA " + std::to_string(CUDART_VERSION / 1000) + "." +
                             std::to_string(CUDART_VERSION % 1000 / 10) +
                             " needs an NVIDIA GPU and a driver for it, and finds none: " + cudaGetErrorString(error));
  throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(error));
}

// Makes a device the calling thread's, and gives the thread its former one back.
class OnDevice {
 public:
  explicit OnDevice(int device) {
    check(cudaGetDevice(&former_));
    if (device != former_) check(cudaSetDevice(device));
  }
  ~OnDevice() { cudaSetDevice(former_); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int former_ = 0;
};

template <template <class...> class Kernel, class Arrays, class... Types>
__global__ void __launch_bounds__(kThreads) run_kernel(const __grid_constant__ Arrays arrays) {
  using Body = Kernel<CudaBlock, Types...>;
  __shared__ typename Body::Shared shared;
  CudaBlock block;
  Body::run(block, shared, arrays);
}

template <template <class...> class Kernel, class... Types, class Arrays>
void launch(const Arrays& arrays, cudaStream_t stream) {
  const int64_t grid = Kernel<CudaBlock, Types...>::grid(arrays);
  if (grid == 0) return;
  run_kernel<Kernel, Arrays, Types...><<<static_cast<unsigned>(grid), kThreads, 0, stream>>>(arrays);
  check(cudaGetLastError());
}

}  // namespace bcl::cuda
