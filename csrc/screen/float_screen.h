// Candidates by the products of all features in float32: what no structure of the points can slow down.
#pragma once

#include <cstdint>
#include <vector>

#include "distance/scaled_points.h"
#include "distance/tiles.h"
#include "runtime/thread_scratch.h"
#include "screen/candidate_source.h"

namespace bcl {

class FloatScreen : public CandidateSource {
 public:
  // Answers for any threshold.
  FloatScreen(ScaledPoints points, const Execution& execution);

  void walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) override;

 private:
  struct Scratch {
    std::vector<float> scores = tile_scratch<float>();
    std::vector<int32_t> columns = std::vector<int32_t>(kBlockColumns);
    std::vector<float> limits = std::vector<float>(kBlockRows);
  };

  void walk_tile(const WalkedRows& rows, double distance_threshold, Scratch& scratch, const Found& found) const;

  const ScaledPoints points_;
  Panels<float> panels_;
  ThreadScratch<Scratch> scratch_;
};

}  // namespace bcl
