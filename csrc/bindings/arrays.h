// What the bindings share about NumPy arrays: how they pass without a copy, and what points must be.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bcl {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;

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

// A view into the middle of a buffer may stand where T must not.
template <class T>
void check_aligned(const Array<T>& array, const char* name) {
  if (reinterpret_cast<uintptr_t>(array.data()) % alignof(T) != 0)
    throw std::invalid_argument(std::string(name) + " must be aligned in memory");
}

template <class T>
void check_points(const Array<T>& points, double distance_threshold) {
  check_aligned(points, "points");
  if (points.ndim() != 2) throw std::invalid_argument("points must be 2-D (n_samples, n_features)");
  if (points.shape(0) > std::numeric_limits<int32_t>::max())
    throw std::invalid_argument("points must be fewer than 2**31");
  if (!(distance_threshold >= 0)) throw std::invalid_argument("distance_threshold must be >= 0");
}

}  // namespace bcl
