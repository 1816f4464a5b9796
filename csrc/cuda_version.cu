#include "cuda_version.h"

#include "cuda_launch.cuh"

namespace bcl {

int cuda_version() { return CUDART_VERSION; }

int cuda_device_count() {
  int count = 0;
  cuda::check(cudaGetDeviceCount(&count));
  if (count == 0) cuda::check(cudaErrorNoDevice);
  return count;
}

}  // namespace bcl
