#include "linkage/closest_pairs.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <tuple>

#include "linkage/largest_distances.h"
#include "linkage/mean_distances.h"
#include "runtime/thread_scratch.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int64_t kPairsPerFlush = 1 << 14;
constexpr double kGuessMargin = 1.05;  // a guess of where the max_pairs closest pairs end is widened by this
constexpr double kSurelyHeld = 1.5;    // times max_pairs: twice as many are held, and a sample errs

// Pairs of clusters of a screen's walk, measured, on the way to a pool.
template <class Distances>
class Finder {
 public:
  Finder(const Distances& distances, const std::vector<int32_t>& ranks, const Separations& separations, PairPool& pool)
      : distances_(distances), ranks_(ranks), separations_(separations), pool_(pool) {}

  struct Scratch {
    typename Distances::Scratch measured;
    std::vector<int32_t> allowed;
    std::vector<ClusterPair> found;
  };

  void search(CandidateSource& screen, const WalkedRows& rows, int thread, Scratch& scratch) const {
    const double distance_threshold = std::min(distances_.distance_threshold(), pool_.largest());
    screen.walk(rows, distance_threshold, thread, [&](int64_t i, const int32_t* columns, int64_t count) {
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
  PairPool& pool_;
};

// Of the first n_rows clusters with those behind them, from first_column on.
template <class Distances>
void search(const Finder<Distances>& finder, int64_t n_rows, int64_t first_column, CandidateSource& screen,
            const Execution& execution, const Watch& watch) {
  // Fewer rows a task where there are few clusters, for those are large.
  const int64_t rows =
      std::clamp<int64_t>(n_rows / (16 * resolve_threads(execution, n_rows)), 1, screen.rows_per_walk());
  const int64_t n_tasks = (n_rows + rows - 1) / rows;
  ThreadScratch<typename Finder<Distances>::Scratch> scratch(execution, n_tasks);
  parallel_for(
      n_tasks, execution,
      [&](int64_t t, int thread) {
        finder.search(screen, {t * rows, std::min(n_rows, (t + 1) * rows), first_column}, thread, scratch[thread]);
      },
      first_column > 0 ? watch : upper_triangle(watch));
}

double share_of_pairs(int64_t n_pairs, int64_t n) {
  return static_cast<double>(n_pairs) / (0.5 * static_cast<double>(n) * static_cast<double>(n));
}

// A sample of so many pairs within a guess, of all, tells enough; else one of many clusters is searched as a rung is.
constexpr double kTellingShare = 2e-4;
constexpr int64_t kSampledPart = 64, kFewestSampled = 1 << 12, kMostSampled = 1 << 16, kFewestTelling = 100;
// Of max_pairs, what is to be found: for many clusters smaller rungs cost less, for the shorter the distance, the more
// pairs are told apart at once (README.md).
constexpr double kWanted = 0.6;

int64_t wanted_of_sample(int64_t n_sampled, int64_t n, int64_t max_pairs) {
  const double part = static_cast<double>(n_sampled) / static_cast<double>(n);
  return static_cast<int64_t>(kWanted * part * part * static_cast<double>(max_pairs));
}

constexpr int64_t kFewRows = 32, kFewColumns = 128;
constexpr double kHardlyFarther = 1.2, kConcentrated = 0.25;

// The distances within the threshold between clusters at `rows` and at `columns`, ascending.
template <class Distances>
std::vector<double> sample_distances(const Distances& few, const std::vector<int32_t>& rows,
                                     const std::vector<int32_t>& columns, const Execution& execution) {
  std::vector<std::vector<NearCluster>> of_row(rows.size());
  parallel_for(static_cast<int64_t>(rows.size()), execution, [&](int64_t r, int) {
    typename Distances::Scratch scratch;
    few.measure(rows[r], columns.data(), static_cast<int64_t>(columns.size()), kInfinity, scratch);
    of_row[r] = std::move(scratch.near);
  });
  std::vector<double> all;
  for (size_t r = 0; r < rows.size(); ++r)
    for (const NearCluster& near : of_row[r])
      if (near.cluster != rows[r]) all.push_back(near.distance);  // itself would count as near
  std::sort(all.begin(), all.end());
  return all;
}

// The distance that kWanted * max_pairs of the pairs of n clusters lie within, by those among a sample of them;
// infinite where all within the threshold are fewer.
template <class Distances>
double searched_reach(const Distances& sample, int64_t n, int64_t max_pairs, const Execution& execution) {
  const int64_t n_sampled = sample.n_clusters(), wanted = wanted_of_sample(n_sampled, n, max_pairs);
  const double threshold = sample.distance_threshold();
  std::vector<int32_t> ranks(n_sampled);
  std::iota(ranks.begin(), ranks.end(), 0);
  const Separations none({}, n_sampled, nullptr, 0, 0);
  const std::unique_ptr<CandidateSource> screen =
      choose_screen(sample.screened_points(execution), {}, {threshold, threshold}, execution);
  PairPool pool(2 * wanted, kInfinity);
  search(Finder<Distances>(sample, ranks, none, pool), n_sampled, 0, *screen, execution, {});
  std::vector<ClusterPair> pairs = pool.result().pairs;
  if (static_cast<int64_t>(pairs.size()) <= wanted) return kInfinity;
  const auto is_closer = [](const ClusterPair& a, const ClusterPair& b) { return a.distance < b.distance; };
  std::nth_element(pairs.begin(), pairs.begin() + wanted, pairs.end(), is_closer);
  return pairs[wanted].distance;
}

// Where clusters of these ranks stand.
std::vector<int32_t> places_of(const std::vector<int32_t>& sampled, const std::vector<int32_t>& ranks) {
  std::vector<int32_t> place(ranks.size()), places;
  for (size_t c = 0; c < ranks.size(); ++c) place[ranks[c]] = static_cast<int32_t>(c);
  for (const int32_t rank : sampled) places.push_back(place[rank]);
  return places;
}

// The places of a sample among the clusters, and these as far as their distances are quick to measure.
template <class Distances>
struct Few {
  Few(const Distances& distances, const ClusterOrder& order, const SampledClusters& sampled)
      : rows(places_of(sampled.rows, order.ranks)),
        columns(places_of(sampled.columns, order.ranks)),
        distances(distances.simplified({&rows, &columns}, order.numbers)) {}

  std::vector<int32_t> rows, columns;
  Distances distances;
};

}  // namespace

SampledClusters::SampledClusters(int64_t n, int64_t most_rows, int64_t most_columns) {
  const int64_t n_rows = std::min(most_rows, n), n_columns = std::min(most_columns, n);
  for (int64_t r = 0; r < n_rows; ++r) rows.push_back(static_cast<int32_t>(r * n / n_rows));
  for (int64_t c = 0; c < n_columns; ++c) columns.push_back(static_cast<int32_t>((2 * c + 1) * n / (2 * n_columns)));
}

SampledClusters SampledClusters::of_guess(int64_t n, int64_t max_pairs) {
  const int64_t n_sampled = std::clamp(n / kSampledPart, kFewestSampled, kMostSampled);
  if (share_of_pairs(max_pairs, n) > kTellingShare || 2 * n_sampled > n ||
      wanted_of_sample(n_sampled, n, max_pairs) < kFewestTelling)
    return SampledClusters(n);
  SampledClusters many(n, n_sampled, 0);
  many.columns = many.rows;
  return many;
}

template <class Distances>
double guess_reach(const Distances& few, const std::vector<int32_t>& rows, const std::vector<int32_t>& columns,
                   int64_t n, int64_t max_pairs, const Execution& execution) {
  if (rows == columns && wanted_of_sample(static_cast<int64_t>(rows.size()), n, max_pairs) >= kFewestTelling)
    return searched_reach(few.chosen(rows), n, max_pairs, execution);
  const double share = share_of_pairs(max_pairs, n);
  if (share >= 1) return kInfinity;
  const std::vector<double> sample = sample_distances(few, rows, columns, execution);
  const auto n_sampled = static_cast<double>(rows.size() * columns.size());
  const auto rank = [&](double part) { return static_cast<size_t>(part * n_sampled); };
  return rank(kSurelyHeld * share) >= sample.size() ? kInfinity : kGuessMargin * sample[rank(share)];
}

template <class Distances>
RungPairs closest_pairs(const Distances& distances, const ClusterOrder& order, const Separations& separations,
                        int64_t max_pairs, const Execution& execution) {
  const int64_t n = distances.n_clusters();
  const double threshold = distances.distance_threshold();
  const Watch watch = execution.stage("pairs", n);
  const bool on_device = execution.cuda_device != kNoDevice;  // where a rung of many pairs costs no more
  const Few<Distances> few(distances, order, on_device ? SampledClusters(n) : SampledClusters::of_guess(n, max_pairs));
  const double guess = guess_reach(few.distances, few.rows, few.columns, n, max_pairs, execution);
  std::unique_ptr<CandidateSource> screen =
      choose_screen(distances.screened_points(execution), order.group_offsets, {threshold, guess}, execution);
  const auto finder_for = [&](PairPool& pool) { return Finder<Distances>(distances, order.ranks, separations, pool); };
  // With a guess the search need not begin with everything within the threshold; without it, or where it was too low,
  // it does.
  if (guess < threshold) {
    PairPool pool(max_pairs, guess, order.firsts);
    search(finder_for(pool), n, 0, *screen, execution, watch);
    if (pool.size() > fewest_of_guess(max_pairs)) return {pool.whole_result().pairs, false};
    // Now there may be many candidates: a device would list them all, the CPU takes them as they come.
    if (on_device)
      screen = choose_screen(distances.screened_points(execution), order.group_offsets, {threshold, threshold},
                             execution.on_cpu());
  }
  PairPool pool(max_pairs, kInfinity, order.firsts);
  search(finder_for(pool), n, 0, *screen, execution, watch);
  ClosestPairs found = pool.whole_result();
  return {std::move(found.pairs), !found.was_cut};
}

template <class Distances>
ClosestPairs closest_pairs_of_blocks(const Distances& distances, const ClusterOrder& order,
                                     const Separations& separations, int64_t n_rows, double largest, int64_t max_pairs,
                                     const Execution& execution) {
  const int64_t n = distances.n_clusters();
  const double threshold = std::min(distances.distance_threshold(), largest);
  const Watch watch = execution.stage("pairs", n);
  const std::unique_ptr<CandidateSource> screen =
      choose_screen(distances.screened_points(execution), order.group_offsets, {threshold, threshold}, execution);
  PairPool pool(max_pairs, largest, order.firsts);
  search(Finder<Distances>(distances, order.ranks, separations, pool), n_rows, n_rows < n ? n_rows : 0, *screen,
         execution, watch);
  return pool.result();
}

template <class Distances>
bool are_concentrated(const Distances& distances, const ClusterOrder& order, int64_t max_pairs,
                      const Execution& execution) {
  const int64_t n = distances.n_clusters();
  const Few<Distances> few(distances, order, SampledClusters(n, kFewRows, kFewColumns));
  const std::vector<double> sample = sample_distances(few.distances, few.rows, few.columns, execution);
  const auto n_sampled = static_cast<double>(few.rows.size() * few.columns.size());
  const auto rank = static_cast<size_t>(share_of_pairs(max_pairs, n) * n_sampled);
  const auto end = rank < sample.size() ? std::upper_bound(sample.begin(), sample.end(), kHardlyFarther * sample[rank])
                                        : sample.end();
  return static_cast<double>(end - sample.begin()) >= kConcentrated * n_sampled;
}

#define BCL_INSTANTIATE(Distances)                                                                                  \
  template bool are_concentrated(const Distances&, const ClusterOrder&, int64_t, const Execution&);                 \
  template double guess_reach(const Distances&, const std::vector<int32_t>&, const std::vector<int32_t>&, int64_t,  \
                              int64_t, const Execution&);                                                           \
  template RungPairs closest_pairs(const Distances&, const ClusterOrder&, const Separations&, int64_t,              \
                                   const Execution&);                                                               \
  template ClosestPairs closest_pairs_of_blocks(const Distances&, const ClusterOrder&, const Separations&, int64_t, \
                                                double, int64_t, const Execution&)
BCL_INSTANTIATE(LargestDistances<float>);
BCL_INSTANTIATE(LargestDistances<double>);
BCL_INSTANTIATE(MeanDistances<float>);
BCL_INSTANTIATE(MeanDistances<double>);

}  // namespace bcl
