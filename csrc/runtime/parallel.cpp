#include "runtime/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/platform.h"

namespace bcl {
namespace {

using Clock = std::chrono::steady_clock;

// Long enough to bridge the gap between two regions of one loss call, short enough not to be felt by other threads.
constexpr std::chrono::microseconds kSpin{30};

// A thread that has had nothing to do for so long ends.
constexpr std::chrono::seconds kIdle{2};

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
    static const bool registered = (in_forked_children([] { current() = new Pool; }), true);
    (void)registered;
    return *current();
  }

  // False when another thread of the program is using the pool: then the caller does the work alone.
  bool run(Job& job, const Watch& watch) {
    const std::unique_lock<std::mutex> owner(busy_, std::try_to_lock);
    if (!owner.owns_lock()) return false;
    publish(job);
    inside_pool = true;
    job.run(0, watch);
    inside_pool = false;
    await(close());
    return true;
  }

 private:
  static Pool*& current() {
    static Pool* pool = new Pool;
    return pool;
  }

  // Wakes as many workers as the job is for, and no other. Where the system grants no more threads, fewer do the work.
  void publish(Job& job) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const uint64_t before = generation_.load(std::memory_order_relaxed);
    wake_.resize(std::max(wake_.size(), static_cast<size_t>(job.n_threads)));
    for (; n_workers_ < job.n_threads - 1; ++n_workers_) {
      std::unique_ptr<std::condition_variable>& wake = wake_[n_workers_ + 1];
      if (!wake) wake = std::make_unique<std::condition_variable>();
      try {
        std::thread([this, id = n_workers_ + 1, before, &wake = *wake] { work(id, before, wake); }).detach();
      } catch (const std::system_error&) {
        break;
      }
    }
    job_workers_ = std::min(n_workers_, job.n_threads - 1);
    n_joined_ = 0;
    finished_.store(0, std::memory_order_relaxed);
    job_ = &job;
    generation_.store(before + 1, std::memory_order_release);
    for (int id = 1; id <= job_workers_; ++id) wake_[id]->notify_one();
  }

  // No task is left: whoever has not joined by now has nothing to do, and nobody waits until it is awake. Returns how
  // many have joined.
  int close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    job_ = nullptr;
    return n_joined_;
  }

  void await(int n_joined) {
    const auto done = [&] { return finished_.load(std::memory_order_acquire) == n_joined; };
    if (spin_until(done)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
  }

  void work(int id, uint64_t seen, std::condition_variable& wake) {
    inside_pool = true;
    for (;;) {
      const auto changed = [&] { return generation_.load(std::memory_order_acquire) != seen; };
      spin_until(changed);
      std::unique_lock<std::mutex> lock(mutex_);
      while (!wake.wait_for(lock, kIdle, changed))
        if (id == n_workers_) {  // the last of them goes first, so that those left are numbered as before
          --n_workers_;
          return;
        }
      seen = generation_.load(std::memory_order_acquire);
      if (job_ == nullptr || id > job_workers_) continue;
      Job& job = *job_;
      ++n_joined_;
      lock.unlock();
      job.run(id, {});
      finished_.fetch_add(1, std::memory_order_acq_rel);
      lock.lock();
      done_.notify_one();
    }
  }

  std::mutex busy_, mutex_;
  std::vector<std::unique_ptr<std::condition_variable>> wake_;  // by worker, from 1
  std::condition_variable done_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> finished_{0};
  Job* job_ = nullptr;  // which workers may join
  int job_workers_ = 0, n_joined_ = 0;
  int n_workers_ = 0;
};

int read_positive(const char* text) {
  const long value = text == nullptr ? 0 : std::strtol(text, nullptr, 10);
  return static_cast<int>(std::clamp(value, 0L, 1024L));
}

}  // namespace

int default_threads() {
  if (const int wanted = read_positive(std::getenv("OMP_NUM_THREADS")); wanted > 0) return wanted;
  static const int found = std::min(available_processors(), cgroup_processors(available_processors()));
  return found;
}

int resolve_threads(int n_threads, int64_t n_tasks) {
  static const int most = available_processors();
  const int64_t wanted = std::min(n_threads > 0 ? n_threads : default_threads(), most);
  return static_cast<int>(std::max<int64_t>(1, std::min(wanted, n_tasks)));
}

void parallel_for(int64_t n_tasks, int n_threads, const std::function<void(int64_t, int)>& task, const Watch& watch) {
  if (n_tasks <= 0) return;
  Job job(task, n_tasks, inside_pool ? 1 : resolve_threads(n_threads, n_tasks));
  if (job.n_threads == 1 || !Pool::instance().run(job, watch)) job.run(0, watch);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace bcl
