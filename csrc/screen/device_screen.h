// The screen on a CUDA device: all features of the points, TF32. Points that stand in groups are laid out in tiles of
// theirs, and pairs of tiles that a bound proves to lie apart are not asked about (point_tiles.h).
//
// Rows go in chunks of tiles. While the threads of the CPU evaluate the candidates of one chunk the device is at the
// next.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cuda/pair_source.h"
#include "distance/scaled_points.h"
#include "screen/candidate_source.h"
#include "screen/point_tiles.h"

namespace bcl {

class DeviceScreen : public CandidateSource {
 public:
  using MakeSource = std::function<std::unique_ptr<PairSource>(const TiledPoints& points)>;
  DeviceScreen(const ScaledPoints& points, PointTiles tiles, int cuda_device);
  // tiles_per_chunk 0: as many as memory is kept for.
  DeviceScreen(const ScaledPoints& points, PointTiles tiles, const MakeSource& make_source,
               int64_t tiles_per_chunk = 0);

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
  TileList tiles_to_ask(int64_t number);
  int64_t first_tile(int64_t number) const { return std::min(number * tiles_per_chunk_, tiles_.n()); }
  int64_t first_row(int64_t number) const { return tiles_.offsets[first_tile(number)]; }

  const PointTiles tiles_;
  const ScaledUnit unit_;
  const int64_t tiles_per_chunk_;
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
