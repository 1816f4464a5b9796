// `_core.Execution`.
#include "bindings/execution.h"

#include <chrono>
#include <utility>

#include "bindings/define.h"

namespace bcl {

namespace py = pybind11;

Execution PythonExecution::begin_call(ReleasedGil& released) const {
  using Clock = std::chrono::steady_clock;
  StageWatch watch = [this, &released, last = Clock::time_point(), last_stage = static_cast<const char*>(nullptr)](
                         const char* stage, int64_t n_clusters, double share) mutable {
    if (stage == last_stage && Clock::now() - last < std::chrono::milliseconds(100)) return false;
    last = Clock::now();
    last_stage = stage;
    const ReacquiredGil acquired(released);
    if (PyErr_CheckSignals() != 0) return true;
    if (!progress.is_none()) progress(stage, n_clusters, share);
    return false;
  };
  return {n_threads, cuda_device, std::move(watch)};
}

void define_execution(py::module_& m) {
  py::class_<PythonExecution>(m, "Execution")
      .def(py::init([](int n_threads, py::object progress, int cuda_device) {
             return PythonExecution{n_threads, std::move(progress), cuda_device};
           }),
           py::arg("n_threads") = 0, py::arg("progress") = py::none(), py::arg("cuda_device") = kNoDevice);
}

}  // namespace bcl
