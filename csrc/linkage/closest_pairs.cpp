#include "linkage/closest_pairs.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <tuple>

#include "linkage/largest_distances.h"
#include "linkage/mean_distances.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kPairsPerFlush = 1 << 14;
// A guess of where the max_pairs closest pairs end is widened by this; it was no use if it left fewer than
// max_pairs / kFewest.
constexpr double kGuessMargin = 1.05;
constexpr int64_t kFewest = 8;
constexpr double kSurelyHeld = 1.5;         // times max_pairs: twice as many are held, and a sample errs
constexpr int64_t kMostReserved = 1 << 26;  // address space, until it is written to

// A total order, so that "the closest m pairs" is one set. Ties go to pairs that stand close together: their points
// then cluster in many places at once, where the first row's ties alone would make one star.
bool closer(const ClusterPair& a, const ClusterPair& b) {
  return std::make_tuple(a.distance, a.right - a.left, a.left) < std::make_tuple(b.distance, b.right - b.left, b.left);
}

// The closest pairs seen so far, at most 2 * max_pairs, and the distance beyond which none is wanted: `largest` at
// first, then what the max_pairs closest lie within.
class Pool {
 public:
  Pool(int64_t max_pairs, double largest) : max_pairs_(max_pairs), largest_(largest) {
    pairs_.reserve(std::min(2 * max_pairs + 1, kMostReserved));  // growing would copy
  }

  double largest() const { return largest_.load(std::memory_order_relaxed); }

  void add(std::vector<ClusterPair>& found) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const double largest = largest_.load(std::memory_order_relaxed);
    for (const ClusterPair& pair : found) {
      if (!(pair.distance <= largest)) continue;
      pairs_.push_back(pair);
      if (static_cast<int64_t>(pairs_.size()) > 2 * max_pairs_) cut();
    }
    found.clear();
  }

  // The max_pairs closest of a pool that was cut. Of those that tie with the farthest some may be missing: a merge
  // at that distance is right all the same, for there is none closer.
  ClosestPairs result() {
    if (was_cut_ && static_cast<int64_t>(pairs_.size()) > max_pairs_) cut();
    return {std::move(pairs_), !was_cut_ && largest() == kInfinity};
  }

 private:
  void cut() {
    std::nth_element(pairs_.begin(), pairs_.begin() + (max_pairs_ - 1), pairs_.end(), closer);
    pairs_.resize(max_pairs_);
    largest_.store(pairs_.back().distance, std::memory_order_relaxed);
    was_cut_ = true;
  }

  const int64_t max_pairs_;
  std::mutex mutex_;
  std::atomic<double> largest_;
  bool was_cut_ = false;
  std::vector<ClusterPair> pairs_;
};

template <class Distances>
class Finder {
 public:
  Finder(const Distances& distances, const std::vector<int32_t>& ranks, const Separations& separations, Pool& pool)
      : distances_(distances), ranks_(ranks), separations_(separations), pool_(pool) {}

  struct Scratch {
    typename Distances::Scratch measured;
    std::vector<int32_t> allowed;
    std::vector<ClusterPair> found;
  };

  void search(CandidateSource& screen, int64_t first, int64_t last, int thread, Scratch& scratch) const {
    const double distance_threshold = std::min(distances_.distance_threshold(), pool_.largest());
    screen.walk(first, last, distance_threshold, thread, [&](int64_t i, const int32_t* columns, int64_t count) {
      if (!separations_.none()) std::tie(columns, count) = allowed(i, columns, count, scratch.allowed);
      distances_.measure(i, columns, count, pool_.largest(), scratch.measured);
      const std::vector<NearCluster>& near = scratch.measured.near;
      scratch.found.resize(scratch.found.size() + near.size());
      std::transform(near.begin(), near.end(), scratch.found.end() - static_cast<int64_t>(near.size()),
                     [&](const NearCluster& one) {
                       const auto [left, right] = std::minmax(ranks_[i], ranks_[one.cluster]);
                       return ClusterPair{one.distance, left, right};
                     });
      if (static_cast<int64_t>(scratch.found.size()) >= kPairsPerFlush) pool_.add(scratch.found);
    });
    pool_.add(scratch.found);
  }

 private:
  std::pair<const int32_t*, int64_t> allowed(int64_t i, const int32_t* columns, int64_t count,
                                             std::vector<int32_t>& kept) const {
    kept.clear();
    std::copy_if(columns, columns + count, std::back_inserter(kept),
                 [&](int32_t j) { return !separations_.separate(ranks_[i], ranks_[j]); });
    return {kept.data(), static_cast<int64_t>(kept.size())};
  }

  const Distances& distances_;
  const std::vector<int32_t>& ranks_;
  const Separations& separations_;
  Pool& pool_;
};

constexpr int64_t kSampleRows = 64, kSampleColumns = 1024;
constexpr int64_t kFewRows = 32, kFewColumns = 128;
constexpr double kHardlyFarther = 1.2, kConcentrated = 0.25;

// The distances within the threshold among a sample of n_rows x n_columns pairs of clusters, ascending; of clusters,
// not quite.
template <class Distances>
std::vector<double> sample_distances(const Distances& distances, int64_t n_rows, int64_t n_columns,
                                     const Execution& execution) {
  const int64_t n = distances.n_clusters();
  const Distances simplified = distances.simplified();
  std::vector<int32_t> columns(n_columns);
  for (int64_t c = 0; c < n_columns; ++c) columns[c] = static_cast<int32_t>((2 * c + 1) * n / (2 * n_columns));
  std::vector<std::vector<NearCluster>> of_row(n_rows);
  parallel_for(n_rows, execution, [&](int64_t r, int) {
    typename Distances::Scratch scratch;
    simplified.measure(r * n / n_rows, columns.data(), n_columns, kInfinity, scratch);
    of_row[r] = std::move(scratch.near);
  });
  std::vector<double> all;
  for (int64_t r = 0; r < n_rows; ++r)
    for (const NearCluster& near : of_row[r])
      if (near.cluster != r * n / n_rows) all.push_back(near.distance);  // itself would count as near
  std::sort(all.begin(), all.end());
  return all;
}

// Guesses the distance that max_pairs pairs lie within; infinite where a rung seems to hold all within the
// threshold.
template <class Distances>
double typical_distance(const Distances& distances, int64_t max_pairs, const Execution& execution) {
  const int64_t n = distances.n_clusters(), n_rows = std::min(kSampleRows, n), n_columns = std::min(kSampleColumns, n);
  const double share = static_cast<double>(max_pairs) / (0.5 * static_cast<double>(n) * static_cast<double>(n));
  if (share >= 1) return kInfinity;
  const std::vector<double> sample = sample_distances(distances, n_rows, n_columns, execution);
  const auto rank = [&](double part) { return static_cast<size_t>(part * static_cast<double>(n_rows * n_columns)); };
  return rank(kSurelyHeld * share) >= sample.size() ? kInfinity : sample[rank(share)];
}

template <class Distances>
ClosestPairs search(const Finder<Distances>& finder, int64_t n, CandidateSource& screen, Pool& pool,
                    const Execution& execution, const Watch& watch) {
  // Fewer rows a task where there are few clusters, for those are large.
  const int64_t rows = std::clamp<int64_t>(n / (16 * resolve_threads(execution, n)), 1, screen.rows_per_walk());
  const int64_t n_tasks = (n + rows - 1) / rows;
  ThreadScratch<typename Finder<Distances>::Scratch> scratch(execution, n_tasks);
  parallel_for(
      n_tasks, execution,
      [&](int64_t t, int thread) {
        finder.search(screen, t * rows, std::min(n, (t + 1) * rows), thread, scratch[thread]);
      },
      upper_triangle(watch));
  return pool.result();
}

}  // namespace

template <class Distances>
ClosestPairs closest_pairs(const Distances& distances, const ClusterOrder& order, const Separations& separations,
                           int64_t max_pairs, const Execution& execution) {
  const int64_t n = distances.n_clusters();
  const double threshold = distances.distance_threshold();
  const Watch watch = execution.stage("pairs", n);
  const double guess = kGuessMargin * typical_distance(distances, max_pairs, execution);
  const ScaledPoints points = distances.screened_points(execution);
  const auto search_within = [&](CandidateSource& screen, double largest) {
    Pool pool(max_pairs, largest);
    return search(Finder<Distances>(distances, order.ranks, separations, pool), n, screen, pool, execution, watch);
  };
  std::unique_ptr<CandidateSource> screen = choose_screen(points, order.group_offsets, {threshold, guess}, execution);
  // With a guess the search need not begin with everything within the threshold; without it, or where it was too low,
  // it does.
  if (guess < threshold) {
    ClosestPairs found = search_within(*screen, guess);
    if (static_cast<int64_t>(found.pairs.size()) > max_pairs / kFewest) return found;
    // Now there may be many candidates: a device would list them all, the CPU takes them as they come.
    if (execution.cuda_device != kNoDevice)
      screen = choose_screen(points, order.group_offsets, {threshold, threshold}, execution.on_cpu());
  }
  return search_within(*screen, kInfinity);
}

template <class Distances>
bool are_concentrated(const Distances& distances, int64_t max_pairs, const Execution& execution) {
  const int64_t n = distances.n_clusters(), n_rows = std::min(kFewRows, n), n_columns = std::min(kFewColumns, n);
  const std::vector<double> sample = sample_distances(distances, n_rows, n_columns, execution);
  const double n_sampled = static_cast<double>(n_rows * n_columns);
  const double share = static_cast<double>(max_pairs) / (0.5 * static_cast<double>(n) * static_cast<double>(n));
  const auto rank = static_cast<size_t>(share * n_sampled);
  const auto end = rank < sample.size() ? std::upper_bound(sample.begin(), sample.end(), kHardlyFarther * sample[rank])
                                        : sample.end();
  return static_cast<double>(end - sample.begin()) >= kConcentrated * n_sampled;
}

#define BCL_INSTANTIATE(Distances)                                                                        \
  template bool are_concentrated(const Distances&, int64_t, const Execution&);                            \
  template ClosestPairs closest_pairs(const Distances&, const ClusterOrder&, const Separations&, int64_t, \
                                      const Execution&)
BCL_INSTANTIATE(LargestDistances<float>);
BCL_INSTANTIATE(LargestDistances<double>);
BCL_INSTANTIATE(MeanDistances<float>);
BCL_INSTANTIATE(MeanDistances<double>);

}  // namespace bcl
