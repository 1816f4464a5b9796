// The one place that knows the operating system and the compiler. What is done with a processor is in simd/.
//
// Wanted are GCC or Clang (vector types, builtins, `#pragma GCC unroll`) and a standard library of C++17. The rest of
// the core asks here for what POSIX, Linux or x86 alone have.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if !defined(__GNUC__)  // Clang defines it too
#error "bcl_fast is compiled by GCC or Clang (on Windows clang-cl), for their vector types"
#endif

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace bcl {

// For a loop that waits for another thread: the processor's sibling gets on meanwhile.
inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Has a forked child call this before anything else. Elsewhere than on POSIX systems processes do not fork.
inline void in_forked_children(void (*call)()) {
#if defined(__unix__) || defined(__APPLE__)
  pthread_atfork(nullptr, nullptr, call);
#else
  (void)call;
#endif
}

// Processors that this process may run on.
inline int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Whole processors granted by the control group of Linux, `otherwise` where nothing limits them ("max", or no such
// file).
inline int cgroup_processors(int otherwise) {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return otherwise;
  return std::max(1, static_cast<int>(std::strtod(quota.c_str(), nullptr) / period + 0.5));
}

// What the operating system says a processor has of what ARM leaves open: asked for on aarch64 alone.
struct ArmExtensions {
  bool dot_product, byte_matrices;  // FEAT_DotProd, FEAT_I8MM
};

inline ArmExtensions arm_extensions() {
#if defined(__linux__)
  // HWCAP_ASIMDDP and HWCAP2_I8MM: older C libraries lack the second name.
  return {(getauxval(AT_HWCAP) >> 20 & 1) != 0, (getauxval(AT_HWCAP2) >> 13 & 1) != 0};
#elif defined(__APPLE__)
  const auto has = [](const char* name) {
    int value = 0;
    size_t size = sizeof(value);
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
  };
  return {has("hw.optional.arm.FEAT_DotProd"), has("hw.optional.arm.FEAT_I8MM")};
#else
  return {false, false};
#endif
}

}  // namespace bcl
