// Calls a template for the type that Python names.
#pragma once

#include <stdexcept>
#include <string>

namespace bcl {

// f(zero) with a zero of the type called `dtype`, "float32" or "float64".
template <class F>
auto with_type(const std::string& dtype, F&& f) {
  if (dtype == "float32") return f(float{});
  if (dtype == "float64") return f(double{});
  throw std::invalid_argument("dtype must be float32 or float64, got " + dtype);
}

}  // namespace bcl
