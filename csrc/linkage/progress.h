// How far a climb of the rungs (rungs.h) is, for those who watch it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "runtime/parallel.h"

namespace bcl {

// As Watch (parallel.h), with what is being done ("pairs", "merges" or "done") and to how many clusters.
using RungWatch = std::function<bool(const char* stage, int64_t n_clusters, double share)>;

inline void tell(const RungWatch& watch, const char* stage, int64_t n_clusters, double share) {
  if (watch && watch(stage, n_clusters, share)) throw Interrupted();
}

// How far the climb is, by the pairs that its rungs look at. What is yet to come is a guess, so the share may jump
// forward, but it never falls.
class Course {
 public:
  explicit Course(const RungWatch& watch) : watch_(watch) {}

  // For a stage that takes the part [begin, end) of a rung over n_clusters. The course must outlive what is returned.
  Watch stage(const char* name, int64_t n_clusters, double begin, double end) {
    if (!watch_) return {};
    const double pairs = pairs_of(n_clusters);
    const Watch watch = [this, name, n_clusters, pairs, begin, end](double share) {
      const double done = finished_ + pairs * (begin + (end - begin) * share);
      share_ = std::max(share_, done / (finished_ + pairs * (1 + kLaterRungs)));
      return watch_(name, n_clusters, share_);
    };
    if (watch(0)) throw Interrupted();
    return watch;
  }

  void end_rung(int64_t n_clusters) { finished_ += pairs_of(n_clusters); }

 private:
  static double pairs_of(int64_t n) { return 0.5 * static_cast<double>(n) * static_cast<double>(n); }

  static constexpr double kLaterRungs = 1.0 / 3;  // as if each rung left half the clusters

  const RungWatch& watch_;
  double finished_ = 0, share_ = 0;
};

}  // namespace bcl
