#include "linkage/closest_pairs.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <tuple>

#include "distance/scaled_points.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kPairsPerFlush = 1 << 14;
// A guess of where the max_pairs closest pairs end is widened by this; it was no use if it left fewer than
// max_pairs / kFewest.
constexpr double kGuessMargin = 1.05;
constexpr int64_t kFewest = 8;
constexpr double kSurelyHeld = 1.5;  // times max_pairs: twice as many are held, and a sample errs
constexpr int64_t kMostReserved = 1 << 24;

// A total order, so that "the closest m pairs" is one set. Ties go to pairs that stand close together: their points
// then cluster in many places at once, where the first row's ties alone would make one star.
bool closer(const ClusterPair& a, const ClusterPair& b) {
  return std::make_tuple(a.distance, a.right - a.left, a.left) < std::make_tuple(b.distance, b.right - b.left, b.left);
}

// The closest pairs seen so far, at most 2 * max_pairs, and the distance beyond which none is wanted: `largest` at
// first, then what the max_pairs closest lie within.
class Pool {
 public:
  Pool(int64_t max_pairs, float largest) : max_pairs_(max_pairs), largest_(largest) {
    pairs_.reserve(std::min(2 * max_pairs + 1, kMostReserved));  // growing would copy
  }

  float largest() const { return largest_.load(std::memory_order_relaxed); }

  void add(std::vector<ClusterPair>& found) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const float largest = largest_.load(std::memory_order_relaxed);
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
  std::atomic<float> largest_;
  bool was_cut_ = false;
  std::vector<ClusterPair> pairs_;
};

template <class T>
class Finder {
 public:
  Finder(const ExactDistances<T>& exact, const Clusters& clusters, const std::vector<int32_t>& ranks,
         const CannotLinkLists& cannot_link, Pool& pool)
      : exact_(exact), distances_(exact, clusters), ranks_(ranks), cannot_link_(cannot_link), pool_(pool) {}

  struct Scratch {
    typename ClusterDistances<T>::Scratch measured;
    std::vector<int32_t> allowed;
    std::vector<ClusterPair> found;
  };

  void search(CandidateSource& screen, int64_t first, int64_t last, int thread, Scratch& scratch) const {
    const double distance_threshold =
        std::min(exact_.distance_threshold(), pool_.largest() * exact_.scale() * (1 + 1e-6));
    screen.walk(first, last, distance_threshold, thread, [&](int64_t i, const int32_t* columns, int64_t count) {
      if (!cannot_link_.offsets.empty()) std::tie(columns, count) = allowed(i, columns, count, scratch.allowed);
      distances_.measure(i, columns, count, pool_.largest(), scratch.measured);
      for (const auto& near : scratch.measured.near) {
        const auto [left, right] = std::minmax(ranks_[i], ranks_[near.cluster]);
        scratch.found.push_back({near.distance, left, right});
      }
      if (static_cast<int64_t>(scratch.found.size()) >= kPairsPerFlush) pool_.add(scratch.found);
    });
    pool_.add(scratch.found);
  }

 private:
  std::pair<const int32_t*, int64_t> allowed(int64_t i, const int32_t* columns, int64_t count,
                                             std::vector<int32_t>& kept) const {
    const int32_t* const lists = cannot_link_.clusters.data();
    kept.clear();
    std::set_difference(columns, columns + count, lists + cannot_link_.offsets[i], lists + cannot_link_.offsets[i + 1],
                        std::back_inserter(kept));
    return {kept.data(), static_cast<int64_t>(kept.size())};
  }

  const ExactDistances<T>& exact_;
  const ClusterDistances<T> distances_;
  const std::vector<int32_t>& ranks_;
  const CannotLinkLists& cannot_link_;
  Pool& pool_;
};

constexpr int64_t kSampleRows = 64, kSampleColumns = 1024, kSampleMembers = 4;

// Between the points of two clusters.
template <class T>
double largest_distance(const ExactDistances<T>& exact, const std::vector<int32_t>& left,
                        const std::vector<int32_t>& right) {
  std::vector<double> distances(right.size());
  double largest = 0;
  for (const int32_t point : left) {
    exact.evaluate(point, right.data(), static_cast<int64_t>(right.size()), distances.data());
    largest = std::max(largest, *std::max_element(distances.begin(), distances.end()));
  }
  return largest;
}

// The distances within the threshold among a sample of n_rows x n_columns pairs of clusters and of their points,
// ascending.
template <class T>
std::vector<double> sample_distances(const ExactDistances<T>& exact, const Clusters& clusters, int64_t n_rows,
                                     int64_t n_columns, const Execution& execution) {
  const int64_t n = clusters.n();
  const auto members = [&](int64_t c) {
    std::vector<int32_t> sample;
    const int64_t count = std::min(kSampleMembers, clusters.size(c));
    for (int64_t m = 0; m < count; ++m) sample.push_back(clusters.begin(c)[m * clusters.size(c) / count]);
    return sample;
  };
  // Rows stand halfway between columns: a cluster's distance to itself would count as near.
  std::vector<int64_t> columns(n_columns);
  std::vector<int32_t> first_members(n_columns);
  for (int64_t c = 0; c < n_columns; ++c) {
    columns[c] = (2 * c + 1) * n / (2 * n_columns);
    first_members[c] = *clusters.begin(columns[c]);
  }
  std::vector<std::vector<double>> of_row(n_rows);
  parallel_for(n_rows, execution, [&](int64_t r, int) {
    const std::vector<int32_t> row = members(r * n / n_rows);
    std::vector<double> distances(n_columns);
    exact.evaluate(row[0], first_members.data(), n_columns, distances.data());
    for (int64_t c = 0; c < n_columns; ++c) {
      if (!(distances[c] <= exact.distance_threshold())) continue;  // most, by their first members alone
      const double distance = largest_distance(exact, row, members(columns[c]));
      if (distance <= exact.distance_threshold()) of_row[r].push_back(distance);
    }
  });
  std::vector<double> all;
  for (const std::vector<double>& row : of_row) all.insert(all.end(), row.begin(), row.end());
  std::sort(all.begin(), all.end());
  return all;
}

// Guesses the distance that max_pairs pairs lie within; infinite where a rung seems to hold all within the
// threshold.
template <class T>
double typical_distance(const ExactDistances<T>& exact, const Clusters& clusters, int64_t max_pairs,
                        const Execution& execution) {
  const int64_t n = clusters.n(), n_rows = std::min(kSampleRows, n), n_columns = std::min(kSampleColumns, n);
  const double share = static_cast<double>(max_pairs) / (0.5 * static_cast<double>(n) * static_cast<double>(n));
  if (share >= 1) return std::numeric_limits<double>::infinity();
  const std::vector<double> distances = sample_distances(exact, clusters, n_rows, n_columns, execution);
  const auto rank = [&](double part) { return static_cast<size_t>(part * static_cast<double>(n_rows * n_columns)); };
  const bool all_fit = rank(kSurelyHeld * share) >= distances.size();
  return all_fit ? std::numeric_limits<double>::infinity() : distances[rank(share)];
}

template <class T>
ClosestPairs search(const Finder<T>& finder, int64_t n, CandidateSource& screen, Pool& pool, const Execution& execution,
                    const Watch& watch) {
  // Fewer rows a task where there are few clusters, for those are large.
  const int64_t rows = std::clamp<int64_t>(n / (16 * resolve_threads(execution, n)), 1, kScreenRows);
  const int64_t n_tasks = (n + rows - 1) / rows;
  ThreadScratch<typename Finder<T>::Scratch> scratch(execution, n_tasks);
  parallel_for(
      n_tasks, execution,
      [&](int64_t t, int thread) {
        finder.search(screen, t * rows, std::min(n, (t + 1) * rows), thread, scratch[thread]);
      },
      upper_triangle(watch));
  return pool.result();
}

}  // namespace

template <class T>
ClosestPairs closest_pairs(const ExactDistances<T>& exact, const Clusters& clusters, const std::vector<int32_t>& ranks,
                           const CannotLinkLists& cannot_link, int64_t max_pairs, const Execution& execution) {
  const int64_t n = clusters.n();
  const double threshold = exact.distance_threshold();
  const Watch watch = execution.stage("pairs", n);
  const std::vector<int32_t> first_members = clusters.first_members();
  const double guess = kGuessMargin * typical_distance(exact, clusters, max_pairs, execution);
  const ScaledPoints points(exact.row(0), first_members.data(), n, exact.d(), execution);
  const auto search_within = [&](CandidateSource& screen, float largest) {
    Pool pool(max_pairs, largest);
    return search(Finder<T>(exact, clusters, ranks, cannot_link, pool), n, screen, pool, execution, watch);
  };
  std::unique_ptr<CandidateSource> screen = choose_screen(points, threshold, guess, execution);
  // With a guess the search need not begin with everything within the threshold; without it, or where it was too low,
  // it does.
  if (guess < threshold) {
    ClosestPairs found = search_within(*screen, exact.stored(guess));
    if (static_cast<int64_t>(found.pairs.size()) > max_pairs / kFewest) return found;
    // Now there may be many candidates: a device would list them all, the CPU takes them as they come.
    if (execution.cuda_device != kNoDevice) screen = choose_screen(points, threshold, threshold, execution.on_cpu());
  }
  return search_within(*screen, kInfinity);
}

template ClosestPairs closest_pairs(const ExactDistances<float>&, const Clusters&, const std::vector<int32_t>&,
                                    const CannotLinkLists&, int64_t, const Execution&);
template ClosestPairs closest_pairs(const ExactDistances<double>&, const Clusters&, const std::vector<int32_t>&,
                                    const CannotLinkLists&, int64_t, const Execution&);

}  // namespace bcl
