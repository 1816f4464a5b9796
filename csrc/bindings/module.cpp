// The module: what the other files of this folder define, and what the build and the machine can do.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/define.h"
#include "cuda/devices.h"
#include "runtime/parallel.h"
#include "simd/kernels.h"

namespace bcl {

// Nothing here relies on the GIL: calls of the core share no state but the pool of threads, which has locks of its own,
// and what is chosen once. An interpreter without the GIL stays without it.
PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  m.doc() = "The compiled core of bcl_fast. Not a public interface.";
  pybind11::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const Interrupted&) {
      // PyErr_CheckSignals has set KeyboardInterrupt, or whatever the user's handler raised.
      if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
  });

  m.def("cuda_version", &cuda_version,
        "CUDA runtime version the module was built with (13000 for 13.0), -1 without CUDA.");
  m.def("cuda_device_count", &cuda_device_count, "CUDA devices that there are; RuntimeError says why there is none.");
  m.def("simd_path", [] { return std::string(kernels<float>().name); }, "The instruction set in use.");
  m.def("simd_paths", &simd_paths, "The instruction sets this machine runs, fastest first.");
  m.def("default_threads", &default_threads, "Threads used where the caller does not say.");

  define_execution(m);
  define_radius_graph(m);
  define_screen(m);
  define_linkage(m);
  define_rungs(m);
  define_ball_loss(m);
  define_ball_loss_stages(m);
#ifdef BCL_WITH_CUDA
  define_ball_loss_cuda(m);
#endif
}

}  // namespace bcl
