#include "cuda/devices.h"

#include "cuda/launch.cuh"

namespace bcl {

int cuda_version() { return CUDART_VERSION; }

int cuda_device_count() {
  int count = 0;
  cuda::check(cudaGetDeviceCount(&count));
  if (count == 0) cuda::check(cudaErrorNoDevice);
  return count;
}

}  // namespace bcl
