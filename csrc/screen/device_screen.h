// Candidates from a device.
//
// Rows go to the device in chunks, whose pairs come back as lists; while the CPU evaluates one chunk's, the device is
// at the next. Exact: the device multiplies TF32 numbers, and rejects only what a bound on their error allows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/pair_source.h"
#include "distance/scaled_points.h"
#include "screen/candidate_source.h"

namespace bcl {

class DeviceScreen : public CandidateSource {
 public:
  using MakeSource = std::function<std::unique_ptr<PairSource>(const float* points, const float* starts, int64_t n,
                                                               int64_t d, int64_t rows_per_chunk)>;
  DeviceScreen(const ScaledPoints& points, int cuda_device);
  // rows_per_chunk 0: as many as memory is kept for.
  DeviceScreen(const ScaledPoints& points, const MakeSource& make_source, int64_t rows_per_chunk = 0);

  // Answers for any threshold; best in about the order of the rows, for chunks are made in order.
  void walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) override;

 private:
  struct Chunk {
    int64_t number;
    int64_t rows_left;  // that nobody has walked yet
    RowPairs pairs;
  };

  std::shared_ptr<Chunk> take(int64_t number, double distance_threshold);
  void give_back(const std::shared_ptr<Chunk>& chunk, int64_t n_rows);
  void produce();
  void begin(int64_t number);
  int64_t n_rows(int64_t number) const;

  const int64_t n_;
  const ScaledUnit unit_;
  const int64_t rows_per_chunk_;
  // What follows is shared by the threads that walk. A chunk is asked for by several of them, and kept until all its
  // rows are walked.
  std::mutex mutex_;
  std::unique_ptr<PairSource> source_;
  double distance_threshold_ = -1;  // the largest asked for
  int64_t next_ = 0;                // the chunk to make
  int64_t begun_[2] = {-1, -1};     // the chunk in each slot
  std::vector<std::shared_ptr<Chunk>> kept_;
};

}  // namespace bcl
