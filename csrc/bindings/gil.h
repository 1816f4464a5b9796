// Without the GIL, and with it again.
//
// pybind11's guards would do, but for one case: the interpreter ends while a daemon thread is in the core. Asked for
// the GIL, Python then ends that thread by pthread_exit, which unwinds its stack through C++ and aborts the process at
// the first destructor. So the thread stops for good where it is, as Python itself does from 3.14 on.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace bcl {

// Calls a function of Python's that waits for the GIL.
template <class Acquire>
auto acquire_or_stop(const Acquire& acquire) {
  try {
    return acquire();
  } catch (...) {  // pthread_exit: Python's C throws nothing
    for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
  }
}

class ReleasedGil {
 public:
  ReleasedGil() : state_(PyEval_SaveThread()) {}
  ~ReleasedGil() { acquire(); }
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  friend class ReacquiredGil;

  void acquire() {
    acquire_or_stop([this] { PyEval_RestoreThread(state_); });
  }

  PyThreadState* state_;
};

// For a while, in the thread that released it. Not by PyGILState_Ensure: that reads the interpreter, which may be gone,
// where PyEval_RestoreThread is made for a thread that comes back too late.
class ReacquiredGil {
 public:
  explicit ReacquiredGil(ReleasedGil& released) : released_(released) { released_.acquire(); }
  ~ReacquiredGil() { released_.state_ = PyEval_SaveThread(); }
  ReacquiredGil(const ReacquiredGil&) = delete;
  ReacquiredGil& operator=(const ReacquiredGil&) = delete;

 private:
  ReleasedGil& released_;
};

}  // namespace bcl
