#include "linkage/mean_linkage.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "linkage/merging_clusters.h"
#include "linkage/mutual_neighbors.h"
#include "runtime/csr.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

// Places seen, and what is found of those near.
struct MeanScratch {
  std::vector<int32_t> last_seen, neighbors;
  std::vector<double> distances;
  int32_t now = 0;

  bool is_new(int32_t place) { return std::exchange(last_seen[place], now) != now; }
};

template <class T>
class MeanLists {
 public:
  using Scratch = MeanScratch;
  static constexpr int64_t kClustersPerTask = 64;

  MeanLists(MergingClusters& clusters, ClusterMeans<T>& means, std::vector<ClusterPair> pairs, double limit,
            const Separations& separations, const Execution& execution)
      : clusters_(clusters),
        means_(means),
        limit_(limit),
        lists_(clusters.n()),
        partners_(separations.none() ? 0 : clusters.n()) {
    for (int32_t c = 0; c < clusters.n(); ++c) {
      lists_[c].is_apart = separations.is_apart(c);
      if (!partners_.empty()) partners_[c] = separations.partners(c);
    }
    list_neighbors(std::move(pairs), execution);
  }

  bool empty(int32_t c) const { return lists_[c].n_neighbors == 0; }

  void join(int32_t c) {
    const int32_t part = clusters_[c].absorbed;
    lists_[c].is_apart = lists_[c].is_apart || lists_[part].is_apart;
    means_.merge(c, part);
  }

  void update(int32_t c, MeanScratch& scratch, std::vector<int32_t>& orphans) {
    const int32_t part = clusters_[c].absorbed;
    begin_list(c, scratch);
    add_neighbors(c, c, scratch, orphans);
    if (part >= 0) add_neighbors(part, c, scratch, orphans);
    keep_near(c, scratch);
  }

  double followed_distance(int32_t c, int32_t place) const {
    if (lists_[c].is_apart && lists_[place].is_apart) return NearestCluster::kNowhere;
    const auto is_there = [&](int32_t partner) { return clusters_.place(partner) == place; };
    if (!partners_.empty() && std::any_of(partners_[c].begin(), partners_[c].end(), is_there))
      return NearestCluster::kNowhere;
    double distance = 0;
    means_.evaluate(c, &place, 1, &distance);
    return distance <= limit_ ? distance : NearestCluster::kNowhere;
  }

 private:
  struct List {
    int32_t* neighbors = nullptr;  // places, as they were when the list was written
    int32_t n_neighbors = 0;
    bool is_apart = false;
    std::unique_ptr<int32_t[]> room;  // holds them, in a union
  };

  // Both directions of the pairs, which are then gone, and the nearest of each cluster.
  void list_neighbors(std::vector<ClusterPair>&& given, const Execution& execution) {
    const std::vector<ClusterPair> pairs = std::move(given);
    const int64_t n = clusters_.n();
    std::vector<int64_t> offsets;
    const auto for_each_name = [&](const auto& entry) {
      for_each_direction(pairs, [&](int32_t c, int32_t other, double) { entry(c, other); });
    };
    sort_into_rows(n, for_each_name, execution, offsets, neighbors_);
    parallel_for_ranges(n, execution, [&](int64_t first, int64_t last) {
      std::vector<NearestCluster> nearest(last - first);
      for_each_direction(pairs, [&](int32_t c, int32_t other, double distance) {
        if (first <= c && c < last) nearest[c - first].take(other, distance, clusters_.tie_with(c));
      });
      for (auto c = static_cast<int32_t>(first); c < last; ++c) {
        lists_[c].neighbors = neighbors_.data() + offsets[c];
        lists_[c].n_neighbors = static_cast<int32_t>(offsets[c + 1] - offsets[c]);
        clusters_.set_nearest(c, nearest[c - first]);
      }
    });
  }

  // What the list of c must not hold counts as seen: the cluster itself, and its partners of separated pairs.
  void begin_list(int32_t c, MeanScratch& scratch) {
    scratch.last_seen.resize(clusters_.n(), 0);
    scratch.neighbors.clear();
    ++scratch.now;
    scratch.last_seen[c] = scratch.now;
    if (partners_.empty()) return;
    std::vector<int32_t> partners;
    for (const int32_t part : {c, clusters_[c].absorbed}) {
      if (part < 0) continue;
      for (const int32_t old : std::exchange(partners_[part], {}))
        if (scratch.is_new(clusters_.place(old))) partners.push_back(clusters_.place(old));
    }
    partners_[c] = std::move(partners);
  }

  // Adds what `part` of c had near, where c may merge with it.
  void add_neighbors(int32_t part, int32_t c, MeanScratch& scratch, std::vector<int32_t>& orphans) const {
    for (int32_t t = 0; t < lists_[part].n_neighbors; ++t) {
      const int32_t place = clusters_.place(lists_[part].neighbors[t]);
      if (clusters_.is_orphan(place, c)) orphans.push_back(place);
      const bool may_merge = !(lists_[place].is_apart && lists_[c].is_apart);
      if (scratch.is_new(place) && may_merge) scratch.neighbors.push_back(place);
    }
  }

  // Writes the list of c anew: those within the limit.
  void keep_near(int32_t c, MeanScratch& scratch) {
    List& list = lists_[c];
    const size_t n_found = scratch.neighbors.size();
    scratch.distances.resize(n_found);
    means_.evaluate(c, scratch.neighbors.data(), static_cast<int64_t>(n_found), scratch.distances.data());
    const auto tie = clusters_.tie_with(c);
    NearestCluster nearest;
    int32_t kept = 0;
    for (size_t t = 0; t < n_found; ++t) {
      if (!(scratch.distances[t] <= limit_)) continue;
      scratch.neighbors[kept++] = scratch.neighbors[t];
      nearest.take(scratch.neighbors[t], scratch.distances[t], tie);
    }
    if (clusters_[c].is_union()) {
      lists_[clusters_[c].absorbed].room.reset();
      list.room = std::make_unique<int32_t[]>(kept);
      list.neighbors = list.room.get();
    }
    std::copy_n(scratch.neighbors.begin(), kept, list.neighbors);
    list.n_neighbors = kept;
    clusters_.set_nearest(c, nearest);
  }

  MergingClusters& clusters_;
  ClusterMeans<T>& means_;
  const double limit_;
  UninitializedVector<int32_t> neighbors_;      // of all clusters at first
  std::vector<List> lists_;                     // [n] by place
  std::vector<std::vector<int32_t>> partners_;  // [n] by place, of separated pairs; or empty: there are none
};

}  // namespace

template <class T>
FoundMerges mean_linkage(ClusterMeans<T>& means, const std::vector<int32_t>& firsts, std::vector<ClusterPair> pairs,
                         double limit, const Separations& separations, const Execution& execution) {
  MergingClusters clusters(static_cast<int32_t>(means.n()), firsts.data(), [&](int32_t c) { return means.size(c); });
  MeanLists<T> lists(clusters, means, std::move(pairs), limit, separations, execution);
  FoundMerges found = MutualNeighbors<MeanLists<T>>(clusters, lists, execution).run();
  means.renumber(found.labels);
  return found;
}

template FoundMerges mean_linkage(ClusterMeans<float>&, const std::vector<int32_t>&, std::vector<ClusterPair>, double,
                                  const Separations&, const Execution&);
template FoundMerges mean_linkage(ClusterMeans<double>&, const std::vector<int32_t>&, std::vector<ClusterPair>, double,
                                  const Separations&, const Execution&);

}  // namespace bcl
