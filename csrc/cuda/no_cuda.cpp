// What a build without CUDA answers to those who ask for a device.
#include <stdexcept>

#include "cuda/devices.h"
#include "cuda/pair_source.h"

namespace bcl {

int cuda_version() { return -1; }

int cuda_device_count() {
  throw std::runtime_error(
      "this build of bcl_fast has no CUDA kernels: install it where nvcc is found, with BCL_CUDA=ON");
}

std::unique_ptr<PairSource> make_cuda_pair_source(const TiledPoints&, int) {
  throw std::invalid_argument("this build has no CUDA kernels");
}

}  // namespace bcl
