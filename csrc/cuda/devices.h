// What CUDA this module was built with, and what devices it finds.
#pragma once

#include <stdexcept>

namespace bcl {

// cuda_version: the CUDA runtime's version as CUDART_VERSION has it (13000 for 13.0); -1 when built without CUDA.
// cuda_device_count: throws std::runtime_error, which says why, where there is none.
#ifdef BCL_WITH_CUDA
int cuda_version();
int cuda_device_count();
#else
inline int cuda_version() { return -1; }
inline int cuda_device_count() {
  throw std::runtime_error(
      "this build of bcl_fast has no CUDA kernels: install it where nvcc is found, with BCL_CUDA=ON");
}
#endif

}  // namespace bcl
