// What CUDA this module was built with, and what devices it finds. devices.cu, or no_cuda.cpp in a build without it.
#pragma once

namespace bcl {

// The CUDA runtime's version as CUDART_VERSION has it (13000 for 13.0); -1 when built without CUDA.
int cuda_version();

// Throws std::runtime_error, which says why, where there is none.
int cuda_device_count();

}  // namespace bcl
