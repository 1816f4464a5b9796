// Picks the table of inner loops for this machine, once.
#include <cstdlib>
#include <stdexcept>

#include "runtime/platform.h"
#include "simd/byte_kernels.h"
#include "simd/exact_kernels.h"
#include "simd/kernels.h"

namespace bcl {

#define BCL_DECLARE(name)                         \
  namespace name {                                \
  extern const Kernels<float> kFloat;             \
  extern const Kernels<double> kDouble;           \
  extern const ExactKernels<float> kExactFloat;   \
  extern const ExactKernels<double> kExactDouble; \
  extern const ExactTiles kExactTiles;            \
  extern const ScreenKernels kScreen;             \
  }
#if defined(__aarch64__)
BCL_DECLARE(neon)
BCL_DECLARE(dotprod)
BCL_DECLARE(i8mm)
#else
BCL_DECLARE(baseline)
#endif
#if defined(__x86_64__)
BCL_DECLARE(avx2)
BCL_DECLARE(avx512)
BCL_DECLARE(avx512vnni)
#endif

namespace {

struct Path {
  const Kernels<float>* f32;
  const Kernels<double>* f64;
  const ExactKernels<float>* exact_f32;
  const ExactKernels<double>* exact_f64;
  const ExactTiles* exact_tiles;
  const ScreenKernels* screen;
};

#define BCL_PATH(name) \
  Path { &name::kFloat, &name::kDouble, &name::kExactFloat, &name::kExactDouble, &name::kExactTiles, &name::kScreen }

// Fastest first. __builtin_cpu_supports asks the operating system too: it says no where the registers are not saved.
// What is compiled for i8mm uses the dot product as well.
std::vector<Path> supported() {
  std::vector<Path> paths;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw")) {
    if (__builtin_cpu_supports("avx512vnni")) paths.push_back(BCL_PATH(avx512vnni));
    paths.push_back(BCL_PATH(avx512));
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) paths.push_back(BCL_PATH(avx2));
#endif
#if defined(__aarch64__)
  const ArmExtensions extensions = arm_extensions();
  if (extensions.dot_product && extensions.byte_matrices) paths.push_back(BCL_PATH(i8mm));
  if (extensions.dot_product) paths.push_back(BCL_PATH(dotprod));
  paths.push_back(BCL_PATH(neon));
#else
  paths.push_back(BCL_PATH(baseline));
#endif
  return paths;
}

Path choose() {
  const std::vector<Path> paths = supported();
  const char* wanted = std::getenv("BCL_SIMD");
  if (wanted == nullptr || *wanted == '\0') return paths.front();
  std::string names;
  for (const Path& path : paths) {
    if (std::string(wanted) == path.f32->name) return path;
    names += std::string(names.empty() ? "" : ", ") + path.f32->name;
  }
  throw std::invalid_argument("BCL_SIMD must be one of " + names + " on this machine, got '" + wanted + "'");
}

const Path& chosen() {
  static const Path path = choose();
  return path;
}

}  // namespace

template <>
const Kernels<float>& kernels<float>() {
  return *chosen().f32;
}

template <>
const Kernels<double>& kernels<double>() {
  return *chosen().f64;
}

template <>
const ExactKernels<float>& exact_kernels<float>() {
  return *chosen().exact_f32;
}

template <>
const ExactKernels<double>& exact_kernels<double>() {
  return *chosen().exact_f64;
}

const ExactTiles& exact_tiles() { return *chosen().exact_tiles; }

const ScreenKernels& screen_kernels() { return *chosen().screen; }

std::vector<std::string> simd_paths() {
  std::vector<std::string> names;
  for (const Path& path : supported()) names.emplace_back(path.f32->name);
  return names;
}

}  // namespace bcl
