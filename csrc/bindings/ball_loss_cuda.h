// The part of the Python module that exists only in a build with CUDA.
#pragma once

#include <pybind11/pybind11.h>

namespace bcl {

#ifdef BCL_WITH_CUDA
void define_cuda(pybind11::module_& m);
#else
inline void define_cuda(pybind11::module_&) {}
#endif

}  // namespace bcl
