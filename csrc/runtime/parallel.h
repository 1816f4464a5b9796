// The threads: one persistent pool, one way to use it.
//
// Tasks are handed out in order, one at a time; which thread runs a task is not fixed, so a task must write only what
// is its own. Every reduction over tasks is done by the caller in task order: results do not depend on the number of
// threads. There are never more of them than processors, and those without work end after a while.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>

namespace bcl {

// Thrown where a watch returned true; the bindings turn it into KeyboardInterrupt.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

// Told now and then, always from the calling thread, what share of the work is done; true ends the work. May be empty.
using Watch = std::function<bool(double share)>;

// Threads to use when the caller does not say: OMP_NUM_THREADS, else the processors and cgroup quota this process has.
int default_threads();

// Runs task(index, thread) for index in [0, n_tasks) on at most n_threads threads (0: default_threads()), thread <
// n_threads. Blocks until all are done; the first exception is rethrown. Nested calls run on the calling thread alone.
void parallel_for(int64_t n_tasks, int n_threads, const std::function<void(int64_t, int)>& task,
                  const Watch& watch = {});

// The number of threads parallel_for will use at most, for sizing per-thread scratch.
int resolve_threads(int n_threads, int64_t n_tasks);

}  // namespace bcl
