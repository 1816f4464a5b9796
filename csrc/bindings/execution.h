// How Python says how a call is to be carried out, and how the core asks Python whether to go on.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/gil.h"
#include "runtime/execution.h"

namespace bcl {

// What `_core.Execution` holds; may serve several calls.
struct PythonExecution {
  int n_threads = 0;
  pybind11::object progress = pybind11::none();  // called with the stage, the clusters and the share done; None: nobody
  int cuda_device = kNoDevice;

  // For one call, which this and `released` must outlive. Its watch, which asks Python for a pending Ctrl-C and tells
  // `progress` at the start of a stage, and at most ten times a second, is for the thread that released the GIL. Only
  // the main thread ever sees a Ctrl-C.
  Execution begin_call(ReleasedGil& released) const;
};

// Does work(execution) without the GIL.
template <class Work>
auto carry_out(const PythonExecution& how, const Work& work) {
  ReleasedGil released;
  return work(how.begin_call(released));
}

}  // namespace bcl
