#include "runtime/parallel.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

namespace bcl {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough to bridge the gap between two regions of one loss call, short enough not to be felt by other threads.
constexpr std::chrono::microseconds kSpin{30};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

template <class Condition>
bool spin_until(Condition condition) {
  const Clock::time_point end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 32; ++i) {
      if (condition()) return true;
      pause();
    }
  } while (Clock::now() < end);
  return condition();
}

// One parallel_for in flight. Threads draw task numbers from `next`; the first exception stops the drawing.
struct Job {
  const std::function<void(int64_t, int)>& task;
  const int64_t n_tasks;
  const int n_threads;
  std::atomic<int64_t> next{0};
  std::mutex error_mutex;
  std::exception_ptr error;

  Job(const std::function<void(int64_t, int)>& task, int64_t n_tasks, int n_threads)
      : task(task), n_tasks(n_tasks), n_threads(n_threads) {}

  void stop(std::exception_ptr reason) {
    const std::lock_guard<std::mutex> lock(error_mutex);
    if (!error) error = std::move(reason);
    next.store(n_tasks, std::memory_order_relaxed);
  }

  void run(int thread, const Watch& watch) {
    try {
      for (;;) {
        const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= n_tasks) return;
        task(i, thread);
        if (watch && watch(static_cast<double>(i + 1) / static_cast<double>(n_tasks))) throw Interrupted();
      }
    } catch (...) {
      stop(std::current_exception());
    }
  }
};

thread_local bool inside_pool = false;

class Pool {
 public:
  // The pool of this process. It is never destroyed (its threads may outlive static destructors), and a forked child,
  // which has none of its parent's threads, starts a new one.
  static Pool& instance() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { current() = new Pool; });
    (void)registered;
    return *current();
  }

  // False when another thread of the program is using the pool: then the caller does the work alone.
  bool run(Job& job, const Watch& watch) {
    const std::unique_lock<std::mutex> owner(busy_, std::try_to_lock);
    if (!owner.owns_lock()) return false;
    grow(job.n_threads - 1);
    publish(job);
    inside_pool = true;
    job.run(0, watch);
    inside_pool = false;
    await(job.n_threads - 1);
    return true;
  }

 private:
  static Pool*& current() {
    static Pool* pool = new Pool;
    return pool;
  }

  void grow(int n_workers) {
    for (; n_workers_ < n_workers; ++n_workers_)
      std::thread([this, id = n_workers_ + 1, seen = generation_.load()] { work(id, seen); }).detach();
  }

  void publish(Job& job) {
    finished_.store(0, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_ = &job;
      job_threads_ = job.n_threads;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
  }

  void await(int n_workers) {
    const auto done = [&] { return finished_.load(std::memory_order_acquire) == n_workers; };
    if (spin_until(done)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
  }

  void work(int id, uint64_t seen) {
    inside_pool = true;
    for (;;) {
      const auto changed = [&] { return generation_.load(std::memory_order_acquire) != seen; };
      Job* job = nullptr;
      {
        spin_until(changed);
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, changed);
        seen = generation_.load(std::memory_order_acquire);
        if (id < job_threads_) job = job_;
      }
      if (job == nullptr) continue;
      job->run(id, {});
      const int n_workers = job->n_threads - 1;
      if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 == n_workers) {
        const std::lock_guard<std::mutex> lock(mutex_);
        done_.notify_one();
      }
    }
  }

  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> finished_{0};
  Job* job_ = nullptr;
  int job_threads_ = 0;
  int n_workers_ = 0;
};

int read_positive(const char* text) {
  const long value = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
  return static_cast<int>(std::clamp(value, 0L, 1024L));
}

int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1u, std::thread::hardware_concurrency());
}

// Whole processors granted by the control group ("max" or absent: no limit).
int cgroup_processors() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 1024;
  return std::max(1, static_cast<int>(std::strtod(quota.c_str(), nullptr) / period + 0.5));
}

}  // namespace

int default_threads() {
  if (const int wanted = read_positive(std::getenv("OMP_NUM_THREADS")); wanted > 0) return wanted;
  static const int found = std::min(available_processors(), cgroup_processors());
  return found;
}

int resolve_threads(int n_threads, int64_t n_tasks) {
  const int64_t wanted = n_threads > 0 ? n_threads : default_threads();
  return static_cast<int>(std::max<int64_t>(1, std::min(wanted, n_tasks)));
}

void parallel_for(int64_t n_tasks, int n_threads, const std::function<void(int64_t, int)>& task, const Watch& watch) {
  if (n_tasks <= 0) return;
  Job job(task, n_tasks, inside_pool ? 1 : resolve_threads(n_threads, n_tasks));
  if (job.n_threads == 1 || !Pool::instance().run(job, watch)) job.run(0, watch);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace bcl
