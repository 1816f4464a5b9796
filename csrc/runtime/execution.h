// How a long call is carried out: on how many threads, with which device, and who is told how far it is. Made once per
// call, by the bindings, and handed down whole: nothing below takes threads, a device or a watch one by one.
//
// Who tells what. A call is made of stages. The function that does a stage's work opens it with `stage`, which tells of
// its start, and hands the Watch that it gets to its loop over tasks, which tells the share done; a loop that is given
// none tells nothing. What is made of several stages hands each of them an Execution with a watch of its own
// (`with_watch`), which turns the stage's share into one of the whole: LinkageProgress (linkage/progress.h) does so for
// the rungs of the linkage. Only the bindings tell "done", for only they know that nothing follows.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "runtime/parallel.h"

namespace bcl {

constexpr int kNoDevice = -1;

// As Watch (parallel.h), with what is being done ("pairs", "merges" or "done") and to how many clusters.
using StageWatch = std::function<bool(const char* stage, int64_t n_clusters, double share)>;

struct Execution {
  int n_threads = 0;            // 0: default_threads()
  int cuda_device = kNoDevice;  // that looks for candidates (screen/choose_screen.h), instead of the CPU
  StageWatch watch = {};        // may be empty

  void tell(const char* stage, int64_t n_clusters, double share) const {
    if (watch && watch(stage, n_clusters, share)) throw Interrupted();
  }

  // Opens a stage. The Execution must outlive what is returned.
  Watch stage(const char* name, int64_t n_clusters) const {
    if (!watch) return {};
    tell(name, n_clusters, 0);
    return [this, name, n_clusters](double share) { return watch(name, n_clusters, share); };
  }

  Execution with_watch(StageWatch other) const { return {n_threads, cuda_device, std::move(other)}; }
  Execution on_cpu() const { return {n_threads, kNoDevice, watch}; }
};

inline int resolve_threads(const Execution& execution, int64_t n_tasks) {
  return resolve_threads(execution.n_threads, n_tasks);
}

// On the threads of `execution`; whom it tells is `watch` alone.
inline void parallel_for(int64_t n_tasks, const Execution& execution, const std::function<void(int64_t, int)>& task,
                         const Watch& watch = {}) {
  parallel_for(n_tasks, execution.n_threads, task, watch);
}

}  // namespace bcl
