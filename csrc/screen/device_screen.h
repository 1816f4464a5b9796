// The candidates among all pairs from a device: the counterpart of the CPU's screen (screen.h), with the same promise.
//
// Rows go to the device in chunks, whose pairs come back as lists; while the CPU evaluates one chunk's, the device is
// at the next. Exact: the device multiplies TF32 numbers, and rejects only what a bound on their error allows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "distance/scaled_points.h"
#include "runtime/uninitialized.h"

namespace bcl {

constexpr int kNoDevice = -1;

// Row r of a chunk has the columns columns[offsets[r] .. offsets[r + 1]), ascending.
struct RowPairs {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> columns;
};

// Points x on a device, with starts of their own: finds the pairs i < j with x_i . x_j + start_j >= -start_i -
// half_tau, give or take the rounding of x to TF32. Two chunks may be under way at once, in slots 0 and 1.
class PairSource {
 public:
  virtual ~PairSource() = default;
  virtual void begin(int slot, int64_t first_row, int64_t n_rows, float half_tau) = 0;
  virtual RowPairs finish(int slot) = 0;
};

// Holds the points on a CUDA device, and room for chunks of rows_per_chunk rows. points is read during the call alone.
// Throws std::invalid_argument in a build without CUDA.
std::unique_ptr<PairSource> make_cuda_pair_source(const float* points /* [n, d] */, const float* starts /* [n] */,
                                                  int64_t n, int64_t d, int64_t rows_per_chunk, int device);

class DeviceScreen {
 public:
  using MakeSource = std::function<std::unique_ptr<PairSource>(const float* points, const float* starts, int64_t n,
                                                               int64_t d, int64_t rows_per_chunk)>;
  // rows_per_chunk 0: as many as memory is kept for.
  DeviceScreen(const ScaledPoints& points, const MakeSource& make_source, int64_t rows_per_chunk = 0);

  // As Screen::walk, of any thread.
  void walk(int64_t first, int64_t last, double tau,
            const std::function<void(int64_t row, const int32_t* columns, int64_t count)>& found) const;

 private:
  struct Chunk {
    int64_t number;
    int64_t rows_left;  // that nobody has walked yet
    RowPairs pairs;
  };

  std::shared_ptr<Chunk> take(int64_t number, double tau) const;
  void give_back(const std::shared_ptr<Chunk>& chunk, int64_t n_rows) const;
  void produce() const;
  void begin(int64_t number) const;
  int64_t n_rows(int64_t number) const;

  const ScaledPoints& points_;
  const int64_t rows_per_chunk_;
  std::unique_ptr<PairSource> source_;
  // Chunks are asked for in about their order, each by several threads. They are made in order, and kept until all
  // their rows are walked.
  mutable std::mutex mutex_;
  mutable double tau_ = -1;              // the largest asked for
  mutable int64_t next_ = 0;             // the chunk to make
  mutable int64_t begun_[2] = {-1, -1};  // the chunk in each slot
  mutable std::vector<std::shared_ptr<Chunk>> kept_;
};

}  // namespace bcl
