// Room for what each thread of a parallel_for needs for itself.
#pragma once

#include <limits>
#include <memory>
#include <vector>

#include "runtime/execution.h"

namespace bcl {

// One T per thread, made by the thread when it first asks: its memory is then near the thread, and threads that get no
// task cost none. `thread` is what parallel_for calls a task with.
template <class T>
class ThreadScratch {
 public:
  explicit ThreadScratch(const Execution& execution, int64_t n_tasks = std::numeric_limits<int64_t>::max())
      : values_(resolve_threads(execution, n_tasks)) {}

  T& operator[](int thread) {
    if (!values_[thread]) values_[thread] = std::make_unique<T>();
    return *values_[thread];
  }

 private:
  std::vector<std::unique_ptr<T>> values_;
};

}  // namespace bcl
