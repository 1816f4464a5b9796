// One function per file of this folder: each checks, casts, releases the GIL and calls the core.
#pragma once

#include <pybind11/pybind11.h>

namespace bcl {

void define_execution(pybind11::module_& m);  // first: it is a default of the others
void define_radius_graph(pybind11::module_& m);
void define_screen(pybind11::module_& m);
void define_linkage(pybind11::module_& m);
void define_rungs(pybind11::module_& m);
void define_ball_loss(pybind11::module_& m);
void define_ball_loss_stages(pybind11::module_& m);
void define_ball_loss_cuda(pybind11::module_& m);  // where CUDA is built in

}  // namespace bcl
