// A block of CUDA threads on the host, one thread after the other: the counterpart of CudaBlock (csrc/cuda/block.cuh).
//
// It is stricter than a device. Threads run in any order the test asks for. Shared memory remembers who wrote and read
// each element since the last barrier: a read of what another thread wrote, a write to what another thread read, a read
// of what nobody wrote and an index out of range are errors. Copies arrive when they are waited for and not before.
// Per-thread variables start as NaN. Tensor cores refuse numbers that are not TF32.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "cuda/block.cuh"

namespace bcl::cuda {

class SimulatedBlock {
 public:
  SimulatedBlock(int64_t index, const std::vector<int>& order) : index_(index), order_(order), copies_(kThreads) {
    present() = this;
  }

  template <class T>
  class PerThread {
   public:
    PerThread() : values_(kThreads) {
      static_assert(std::is_trivially_copyable_v<T>);
      std::memset(static_cast<void*>(values_.data()), 0xff, kThreads * sizeof(T));
    }
    T& operator[](int t) { return values_.at(t); }

   private:
    std::vector<T> values_;
  };

  template <class T, int n>
  class Array {
    static constexpr int kNobody = -1, kSeveral = -2;
    struct Element {
      T value;
      int64_t written_at = -1, read_at = -1;
      int writer = kNobody, reader = kNobody;
      bool arriving = false;
    };

   public:
    class Reference {
     public:
      Reference(Array& array, int i) : array_(array), i_(i) {}
      operator T() const { return array_.read(i_); }
      Reference& operator=(T value) {
        array_.write(i_, value);
        return *this;
      }
      Reference& operator=(const Reference& other) { return *this = static_cast<T>(other); }

     private:
      Array& array_;
      int i_;
    };

    Array() : elements_(n) {}
    Reference operator[](int i) { return {*this, i}; }

    void begin_copy(int i) {
      check_write(i);
      at(i).arriving = true;
    }
    void end_copy(int i, T value) {
      at(i).arriving = false;
      write(i, value);
    }

   private:
    Element& at(int i) {
      if (i < 0 || i >= n) fail("an index out of range", i);
      return elements_[i];
    }

    T read(int i) {
      Element& e = at(i);
      const SimulatedBlock& block = *present();
      if (e.arriving) fail("a read of a copy not waited for", i);
      if (e.written_at < 0) fail("a read of what nobody wrote", i);
      if (e.written_at == block.epoch_ && e.writer != block.thread_) fail("a read of another thread's write", i);
      e.reader = e.read_at == block.epoch_ && e.reader != block.thread_ ? kSeveral : block.thread_;
      e.read_at = block.epoch_;
      return e.value;
    }

    void check_write(int i) {
      Element& e = at(i);
      const SimulatedBlock& block = *present();
      if (e.arriving) fail("a write beside a copy", i);
      if (e.written_at == block.epoch_ && e.writer != block.thread_) fail("two threads' writes", i);
      if (e.read_at == block.epoch_ && e.reader != block.thread_) fail("a write to what another thread reads", i);
    }

    void write(int i, T value) {
      check_write(i);
      Element& e = at(i);
      e.value = value;
      e.writer = present()->thread_;
      e.written_at = present()->epoch_;
    }

    [[noreturn]] static void fail(const char* what, int i) {
      throw std::logic_error(std::string(what) + ", element " + std::to_string(i) + ", thread " +
                             std::to_string(present()->thread_));
    }

    std::vector<Element> elements_;
  };

  int64_t index() const { return index_; }

  template <class F>
  void each(F&& f) {
    for (const int t : order_) {
      thread_ = t;
      f(t);
    }
    thread_ = kWholeBlock;
  }

  void sync() { ++epoch_; }

  template <class F>
  void warp_sum(F&& value) {
    using T = std::remove_reference_t<decltype(value(0))>;
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      std::vector<T> before;
      for (int t = 0; t < kThreads; ++t) before.push_back(value(t));
      for (int t = 0; t < kThreads; ++t) value(t) = before[t] + before[t ^ mask];
    }
  }

  template <class F>
  PerThread<int32_t> warp_prefix(F&& value) {
    PerThread<int32_t> own, sums;
    each([&](int t) { own[t] = value(t); });
    for (int t = 0; t < kThreads; ++t) sums[t] = t % kWarp == 0 ? 0 : sums[t - 1] + own[t - 1];
    return sums;
  }

  template <class F>
  PerThread<uint32_t> ballot(F&& holds) {
    std::vector<uint32_t> masks(kWarps, 0);
    each([&](int t) { masks[t / kWarp] |= static_cast<uint32_t>(holds(t)) << t % kWarp; });
    PerThread<uint32_t> result;
    for (int t = 0; t < kThreads; ++t) result[t] = masks[t / kWarp];
    return result;
  }

  template <class Send, class Receive>
  void exchange(int mask, Send&& send, Receive&& receive) {
    std::vector<std::decay_t<decltype(send(0))>> sent(kThreads);
    each([&](int t) { sent[t] = send(t); });
    each([&](int t) { receive(t, sent[t ^ mask]); });
  }

  // The layout of the fragments as the PTX ISA words it for mma.m16n8k8 with .tf32: groupID is the lane / 4,
  // threadID_in_group the lane % 4.
  template <class C, class A, class B>
  void multiply(C&& c, A&& a, B&& b) {
    for (int warp = 0; warp < kWarps; ++warp) {
      double rows[16][8], columns[8][8];
      for (int lane = 0; lane < kWarp; ++lane) {
        const int t = warp * kWarp + lane, group = lane >> 2, in_group = lane & 3;
        for (int i = 0; i < 4; ++i) {
          const int row = i == 0 || i == 2 ? group : group + 8, column = i <= 1 ? in_group : in_group + 4;
          rows[row][column] = checked(a(t).v[i]);
        }
        for (int i = 0; i < 2; ++i) columns[i == 0 ? in_group : in_group + 4][group] = checked(b(t).v[i]);
      }
      for (int lane = 0; lane < kWarp; ++lane) {
        auto& sum = c(warp * kWarp + lane);
        for (int i = 0; i < 4; ++i) {
          const int row = i < 2 ? lane >> 2 : (lane >> 2) + 8, column = (lane & 3) * 2 + (i & 1);
          double total = sum.v[i];
          for (int p = 0; p < 8; ++p) total += rows[row][p] * columns[p][column];
          sum.v[i] = toward_zero(total);
        }
      }
    }
  }

  template <int count, class T, int size>
  void copy_async(Array<T, size>& array, int at, const T* source, int valid) {
    constexpr int kBytes = count * static_cast<int>(sizeof(T));
    static_assert(kBytes == 4 || kBytes == 8 || kBytes == 16);
    if (at % count != 0 || reinterpret_cast<uintptr_t>(source) % kBytes != 0)
      throw std::logic_error("a copy that is not aligned");
    if (valid < 0 || valid > count) throw std::logic_error("a copy of more than there is");
    for (int i = 0; i < count; ++i) array.begin_copy(at + i);
    current_copies().push_back([&array, at, source, valid] {
      for (int i = 0; i < count; ++i) array.end_copy(at + i, i < valid ? source[i] : T(0));
    });
  }

  void commit_copies() {
    for (Copies& copies : copies_) {
      copies.groups.push_back(std::move(copies.current));
      copies.current.clear();
    }
  }

  template <int pending>
  void wait_copies() {
    each([&](int t) {
      for (auto& groups = copies_[t].groups; groups.size() > pending; groups.pop_front())
        for (const auto& arrive : groups.front()) arrive();
    });
  }

 private:
  static constexpr int kWholeBlock = -3;
  using Group = std::vector<std::function<void()>>;
  struct Copies {
    Group current;
    std::deque<Group> groups;
  };

  static SimulatedBlock*& present() {
    static thread_local SimulatedBlock* block = nullptr;
    return block;
  }

  Group& current_copies() { return copies_.at(thread_).current; }

  static double checked(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    if (std::isfinite(x) && bits & 0x1fff) throw std::logic_error("an operand that is not TF32");
    return x;
  }

  static float toward_zero(double x) {
    const float nearest = static_cast<float>(x);
    return std::abs(static_cast<double>(nearest)) > std::abs(x) ? std::nextafter(nearest, 0.0f) : nearest;
  }

  const int64_t index_;
  const std::vector<int>& order_;
  int64_t epoch_ = 0;
  int thread_ = kWholeBlock;
  std::vector<Copies> copies_;
};

// 0 .. n - 1 as they come, backwards, or shuffled.
inline std::vector<int> order_of(int64_t n, int seed) {
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  if (seed == 1) std::reverse(order.begin(), order.end());
  if (seed > 1) std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  return order;
}

// Runs a kernel's blocks one after the other, and its threads, in the order that `seed` gives.
template <template <class...> class Kernel, class... Types, class Arrays>
void simulate(const Arrays& arrays, int seed) {
  using Body = Kernel<SimulatedBlock, Types...>;
  const int64_t grid = Body::grid(arrays);
  const std::vector<int> threads = order_of(kThreads, seed);
  for (const int index : order_of(grid, seed)) {
    SimulatedBlock block(index, threads);
    const auto shared = std::make_unique<typename Body::Shared>();
    Body::run(block, *shared, arrays);
  }
}

}  // namespace bcl::cuda
