// Rounds of mutual nearest neighbours: the merges of a linkage whose clusters have lists of neighbours.
//
// Two clusters that are each other's nearest merge, whatever else does: nothing that merges comes closer to a third
// than the nearer of its parts was (Muellner 2011: complete and average linkage are reducible), so the rounds find the
// dendrogram of the textbook loop. All such pairs of a round merge at once, on all threads; then only unions, and
// clusters whose nearest has become a part of one, the orphans, look at their lists. The result is a function of the
// lists' contents alone, whatever their order and the number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "linkage/merging_clusters.h"
#include "runtime/execution.h"
#include "runtime/thread_scratch.h"

namespace bcl {

// Lists say what a linkage keeps of every cluster, by place; they know the MergingClusters, and have set the nearest of
// each before the rounds begin:
//   kClustersPerTask             so many are worth a task of their own
//   empty(c)                     whether c has no neighbour any more
//   join(c)                      for a union c: brings what is known of it, its list apart, up to date
//   update(c, scratch, orphans)  brings the list of c, a union's from those of its parts, up to date, and sets the
//                                nearest; adds the orphans of a union
//   followed_distance(c, place)  of an orphan to the union in that place; infinite where
//                                they may not merge or are surely no nearer than others
// The last three are called for different clusters at once.
template <class Lists>
class MutualNeighbors {
 public:
  MutualNeighbors(MergingClusters& clusters, Lists& lists, const Execution& execution)
      : clusters_(clusters), lists_(lists), execution_(execution), scratch_(execution) {}

  // Its stage is "merges".
  FoundMerges run() {
    const Watch watch = execution_.stage("merges", clusters_.n());
    const auto share_done = [&] { return static_cast<double>(clusters_.n_merges()) / clusters_.n(); };
    const auto round_watch = [&](double) { return watch && watch(share_done()); };
    std::vector<int32_t> changed = with_neighbors();
    for (bool all_fresh = false; !changed.empty();) {
      const std::vector<int32_t> unions = merge(mutual(changed), round_watch);
      if (unions.empty() && all_fresh) break;
      // Rounding may hide a nearest neighbour: where nothing is mutual, all are looked for again.
      all_fresh = unions.empty();
      changed = all_fresh ? with_neighbors() : unions;
      const std::vector<int32_t> orphans = update(changed, round_watch);
      update_orphans(orphans, round_watch);
      changed.insert(changed.end(), orphans.begin(), orphans.end());
    }
    return clusters_.found();
  }

 private:
  using Pair = std::pair<int32_t, int32_t>;

  std::vector<int32_t> with_neighbors() const {
    std::vector<int32_t> places;
    for (int32_t c = 0; c < clusters_.n(); ++c)
      if (clusters_.is_there(c) && !lists_.empty(c)) places.push_back(c);
    return places;
  }

  // A pair becomes mutual when the nearest of one of the two changes.
  std::vector<Pair> mutual(const std::vector<int32_t>& changed) const {
    std::vector<Pair> found;
    for (const int32_t c : changed) {
      const int32_t other = clusters_[c].nearest;
      const bool is_pair = other >= 0 && other != c;  // a graph that is not as it should be may say otherwise
      if (is_pair && clusters_[other].nearest == c) found.push_back(std::minmax(c, other));
    }
    sort_unique(found);
    return found;
  }

  // Returns the places of the unions.
  std::vector<int32_t> merge(const std::vector<Pair>& found, const Watch& watch) {
    std::vector<int32_t> unions(found.size());
    const int64_t first = clusters_.begin_merges(static_cast<int64_t>(found.size()));
    for_each(unions.size(), watch, [&](int64_t t, int64_t, Scratch&) {
      unions[t] = clusters_.join(found[t].first, found[t].second, first + t);
      lists_.join(unions[t]);
    });
    return unions;
  }

  // Returns the orphans.
  std::vector<int32_t> update(const std::vector<int32_t>& changed, const Watch& watch) {
    std::vector<std::vector<int32_t>> of_task(n_tasks(changed.size()));
    for_each(changed.size(), watch,
             [&](int64_t t, int64_t task, Scratch& scratch) { lists_.update(changed[t], scratch, of_task[task]); });
    clusters_.end_round(changed);
    std::vector<int32_t> orphans;
    for (const std::vector<int32_t>& some : of_task) orphans.insert(orphans.end(), some.begin(), some.end());
    sort_unique(orphans);
    return orphans;
  }

  // Where many have one nearest, which merges with them one by one, a distance spares them a look at their lists.
  void update_orphans(const std::vector<int32_t>& orphans, const Watch& watch) {
    for_each(orphans.size(), watch, [&](int64_t t, int64_t, Scratch& scratch) {
      const int32_t c = orphans[t], place = clusters_.place(clusters_[c].nearest);
      const double distance = lists_.followed_distance(c, place);
      if (distance < clusters_.others_distance(c)) {
        clusters_.follow_nearest(c, place, distance);
      } else {
        std::vector<int32_t> none;
        lists_.update(c, scratch, none);
      }
    });
  }

  using Scratch = typename Lists::Scratch;

  template <class Value>
  static void sort_unique(std::vector<Value>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }

  static int64_t n_tasks(size_t size) {
    return (static_cast<int64_t>(size) + Lists::kClustersPerTask - 1) / Lists::kClustersPerTask;
  }

  // Calls work(t, task, scratch) for t in [0, size), on all threads.
  template <class Work>
  void for_each(size_t size, const Watch& watch, const Work& work) {
    const auto end = static_cast<int64_t>(size);
    parallel_for(
        n_tasks(size), execution_,
        [&](int64_t task, int thread) {
          for (int64_t t = task * Lists::kClustersPerTask; t < std::min(end, (task + 1) * Lists::kClustersPerTask); ++t)
            work(t, task, scratch_[thread]);
        },
        watch);
  }

  MergingClusters& clusters_;
  Lists& lists_;
  const Execution& execution_;
  ThreadScratch<Scratch> scratch_;
};

}  // namespace bcl
