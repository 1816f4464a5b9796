// What all bindings share: how the core asks Python whether to go on, and how arrays pass without a copy.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "linkage/progress.h"

namespace bcl {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// Asks Python for a pending Ctrl-C and tells `progress` (None: nobody) of the stage, the clusters and the share done:
// at the start of a stage, and at most ten times a second. Only the main thread ever sees a Ctrl-C.
inline RungWatch python_watch(const py::object& progress) {
  using Clock = std::chrono::steady_clock;
  return [&progress, last = Clock::time_point(), last_stage = static_cast<const char*>(nullptr)](
             const char* stage, int64_t n_clusters, double share) mutable {
    if (stage == last_stage && Clock::now() - last < std::chrono::milliseconds(100)) return false;
    last = Clock::now();
    last_stage = stage;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) return true;
    if (!progress.is_none()) progress(stage, n_clusters, share);
    return false;
  };
}

// Does work of one stage, which takes a Watch, without the GIL.
template <class Work>
auto watched(const py::object& progress, const char* stage, int64_t n_clusters, const Work& work) {
  const RungWatch watch = python_watch(progress);
  const py::gil_scoped_release release;
  tell(watch, stage, n_clusters, 0);
  auto result = work([&](double share) { return watch(stage, n_clusters, share); });
  tell(watch, "done", n_clusters, 1);
  return result;
}

// Moves a vector into a NumPy array without copying.
template <class Vector>
auto to_numpy(Vector&& values) {
  using T = typename Vector::value_type;
  auto owner = std::make_unique<Vector>(std::move(values));
  Vector* raw = owner.get();
  const py::capsule free_when_done(raw, [](void* p) { delete static_cast<Vector*>(p); });
  owner.release();
  return Array<T>(static_cast<py::ssize_t>(raw->size()), raw->data(), free_when_done);
}

template <class T>
void check_points(const Array<T>& points, double distance_threshold) {
  if (points.ndim() != 2) throw std::invalid_argument("points must be 2-D (n_samples, n_features)");
  if (points.shape(0) > std::numeric_limits<int32_t>::max())
    throw std::invalid_argument("points must be fewer than 2**31");
  if (!(distance_threshold >= 0)) throw std::invalid_argument("distance_threshold must be >= 0");
}

}  // namespace bcl
