// What CUDA this module was built with.
#pragma once

namespace bcl {

// The CUDA runtime's version as CUDART_VERSION has it (13000 for 13.0); -1 when built without CUDA.
#ifdef BCL_WITH_CUDA
int cuda_version();
#else
inline int cuda_version() { return -1; }
#endif

}  // namespace bcl
