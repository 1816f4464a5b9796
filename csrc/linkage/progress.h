// How far a linkage of several rungs (rungs.h) is, for those who watch it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "runtime/execution.h"

namespace bcl {

// Measured in the pairs that the rungs look at. What is yet to come is a guess, so the share may jump forward, but it
// never falls.
class LinkageProgress {
 public:
  // `execution` must outlive this.
  explicit LinkageProgress(const Execution& execution) : execution_(execution) {}

  static constexpr double kPairsPart = 0.9;  // of a rung's time; the merges take the rest

  // For a stage that takes the part [begin, end) of a rung over n_clusters: its share becomes the linkage's. This
  // object must outlive what is returned.
  Execution part_of_rung(int64_t n_clusters, double begin, double end) {
    if (!execution_.watch) return execution_;
    return execution_.with_watch([this, n_clusters, begin, end](const char* stage, int64_t n, double share) {
      return execution_.watch(stage, n, whole_share(n_clusters, begin + (end - begin) * share));
    });
  }

  // Of the whole, with a part of a rung over n_clusters done.
  double whole_share(int64_t n_clusters, double part) {
    const double pairs = pairs_of(n_clusters);
    if (pairs > 0) share_ = std::max(share_, (finished_ + pairs * part) / (finished_ + pairs * (1 + kLaterRungs)));
    return share_;
  }

  void end_rung(int64_t n_clusters) { finished_ += pairs_of(n_clusters); }

 private:
  static double pairs_of(int64_t n) { return 0.5 * static_cast<double>(n) * static_cast<double>(n); }

  static constexpr double kLaterRungs = 1.0 / 3;  // as if each rung left half the clusters

  const Execution& execution_;
  double finished_ = 0, share_ = 0;
};

}  // namespace bcl
