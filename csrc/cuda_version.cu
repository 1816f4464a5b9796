#include "cuda_version.h"

#include <cuda_runtime_api.h>

namespace bcl {

int cuda_version() { return CUDART_VERSION; }

}  // namespace bcl
