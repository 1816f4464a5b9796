#include "linkage/mutual_neighbors.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <tuple>
#include <utility>

#include "runtime/csr.h"
#include "runtime/thread_scratch.h"
#include "runtime/uninitialized.h"

namespace bcl {
namespace {

constexpr int64_t kClustersPerTask = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
class MutualNeighbors {
 public:
  MutualNeighbors(ClusterMeans<T>& means, std::vector<ClusterPair> pairs, double limit, const Separations& separations,
                  const Execution& execution)
      : means_(means),
        limit_(limit),
        execution_(execution),
        n_(static_cast<int32_t>(means.n())),
        clusters_(n_),
        place_(n_),
        next_in_cluster_(n_),
        partners_(separations.none() ? 0 : n_),
        scratch_(execution) {
    std::iota(place_.begin(), place_.end(), 0);
    std::iota(next_in_cluster_.begin(), next_in_cluster_.end(), 0);
    for (int32_t c = 0; c < n_; ++c) {
      clusters_[c].node = clusters_[c].first = c;
      clusters_[c].is_apart = separations.is_apart(c);
      if (!partners_.empty()) partners_[c] = separations.partners(c);
    }
    list_neighbors(std::move(pairs));
  }

  Dendrogram run() {
    const Watch watch = execution_.stage("merges", n_);
    const auto round_watch = [&](double) { return watch && watch(share_done()); };
    std::vector<int32_t> changed = with_neighbors();
    for (bool all_fresh = false; !changed.empty();) {
      const std::vector<int32_t> merged = merge(mutual(changed), round_watch);
      if (merged.empty() && all_fresh) break;
      // Rounding may hide a nearest neighbour: where nothing is mutual, all are looked for again.
      all_fresh = merged.empty();
      changed = all_fresh ? with_neighbors() : merged;
      std::vector<int32_t> orphans = update(changed, round_watch);
      update_orphans(orphans, round_watch);
      changed.insert(changed.end(), orphans.begin(), orphans.end());
    }
    Dendrogram dendrogram{sort_by_height(n_, merges_),
                          label_by_first_appearance(n_, [this](int32_t c) { return place_[c]; })};
    means_.renumber(dendrogram.labels);
    return dendrogram;
  }

 private:
  // A cluster, in the place of its largest part.
  struct Cluster {
    int32_t node = 0, first = 0;  // its number in the dendrogram; the smallest number of its parts
    int32_t nearest = -1;         // place; -1: none
    double nearest_distance = kInfinity;
    double others_distance = kInfinity;  // at least, of all but the nearest; it holds whatever they become by merges
    double height = 0;
    int32_t* neighbors = nullptr;  // places, as they were when the list was written
    int32_t n_neighbors = 0;
    std::unique_ptr<int32_t[]> list;  // holds them, in a union
    int32_t absorbed = -1;            // this round: the place of the other part
    bool is_apart = false;
  };

  struct Scratch {
    std::vector<int32_t> last_seen, neighbors;
    std::vector<double> distances;
    int32_t now = 0;
  };

  using Merges = std::vector<std::pair<int32_t, int32_t>>;

  // Both directions of the pairs, which are then gone, and the nearest of each cluster.
  void list_neighbors(std::vector<ClusterPair>&& given) {
    const std::vector<ClusterPair> pairs = std::move(given);
    std::vector<int64_t> offsets;
    const auto for_each_direction = [&](const auto& entry) {
      for (const ClusterPair& pair : pairs) {
        entry(pair.left, pair.right);
        entry(pair.right, pair.left);
      }
    };
    sort_into_rows(n_, for_each_direction, offsets, neighbors_);
    for (int32_t c = 0; c < n_; ++c) {
      clusters_[c].neighbors = neighbors_.data() + offsets[c];
      clusters_[c].n_neighbors = static_cast<int32_t>(offsets[c + 1] - offsets[c]);
    }
    for (const ClusterPair& pair : pairs) {
      take_nearer(pair.left, pair.right, pair.distance);
      take_nearer(pair.right, pair.left, pair.distance);
    }
  }

  // A total order of pairs. Of equal distances those come first whose numbers differ in low bits: 0 and 1, 2 and 3, ...
  // then find each other at once.
  void take_nearer(int32_t c, int32_t other, double distance) {
    Cluster& cluster = clusters_[c];
    const auto tie = [&](int32_t place) { return cluster.first ^ clusters_[place].first; };
    const bool is_nearer = cluster.nearest < 0 || distance < cluster.nearest_distance ||
                           (distance == cluster.nearest_distance && tie(other) < tie(cluster.nearest));
    if (!is_nearer) {
      cluster.others_distance = std::min(cluster.others_distance, distance);
      return;
    }
    cluster.others_distance = cluster.nearest_distance;
    cluster.nearest = other;
    cluster.nearest_distance = distance;
  }

  std::vector<int32_t> with_neighbors() const {
    std::vector<int32_t> clusters;
    for (int32_t c = 0; c < n_; ++c)
      if (place_[c] == c && clusters_[c].n_neighbors > 0) clusters.push_back(c);
    return clusters;
  }

  // A pair becomes mutual when the nearest of one of the two changes.
  Merges mutual(const std::vector<int32_t>& changed) const {
    Merges found;
    for (const int32_t c : changed) {
      const int32_t other = clusters_[c].nearest;
      if (other >= 0 && clusters_[other].nearest == c) found.push_back(std::minmax(c, other));
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
  }

  // Returns the places of the unions.
  std::vector<int32_t> merge(const Merges& found, const Watch& watch) {
    std::vector<int32_t> unions;
    for (const auto& [left, right] : found) unions.push_back(join(left, right));
    for_each(unions, watch, [&](int64_t, int32_t c, Scratch&) { means_.merge(c, clusters_[c].absorbed); });
    return unions;
  }

  // Makes two clusters one, in the place of the larger, which is returned.
  int32_t join(int32_t a, int32_t b) {
    const auto weight = [&](int32_t c) { return std::make_tuple(means_.size(c), -clusters_[c].first); };
    if (weight(a) < weight(b)) std::swap(a, b);
    Cluster &cluster = clusters_[a], &other = clusters_[b];
    cluster.height = std::max({cluster.nearest_distance, cluster.height, other.height});
    merges_.push_back({cluster.node, other.node, cluster.height});
    cluster.node = n_ + static_cast<int32_t>(merges_.size()) - 1;
    cluster.first = std::min(cluster.first, other.first);
    cluster.is_apart = cluster.is_apart || other.is_apart;
    cluster.absorbed = b;
    int32_t part = b;
    do {
      place_[part] = a;
      part = next_in_cluster_[part];
    } while (part != b);
    std::swap(next_in_cluster_[a], next_in_cluster_[b]);
    return a;
  }

  // Brings the lists of clusters up to date and finds their nearest. Returns the clusters whose own nearest is no more,
  // because it has become a part of one of these.
  std::vector<int32_t> update(const std::vector<int32_t>& changed, const Watch& watch) {
    std::vector<std::vector<int32_t>> orphans(n_tasks(changed));
    for_each(changed, watch, [&](int64_t task, int32_t c, Scratch& scratch) { update(c, scratch, orphans[task]); });
    std::vector<int32_t> all;
    for (const std::vector<int32_t>& some : orphans) all.insert(all.end(), some.begin(), some.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (const int32_t c : changed) clusters_[c].absorbed = -1;
    return all;
  }

  void update(int32_t c, Scratch& scratch, std::vector<int32_t>& orphans) {
    begin_list(c, scratch);
    add_neighbors(c, c, scratch, orphans);
    if (clusters_[c].absorbed >= 0) add_neighbors(clusters_[c].absorbed, c, scratch, orphans);
    keep_near(c, scratch);
  }

  // Finds the nearest of clusters whose nearest has become a part of a union.
  void update_orphans(const std::vector<int32_t>& orphans, const Watch& watch) {
    std::vector<int32_t> none;
    for_each(orphans, watch, [&](int64_t, int32_t c, Scratch& scratch) {
      if (!is_union_nearest(c)) update(c, scratch, none);
    });
  }

  // Whether the union is the nearest again. Where many have one nearest, which merges with them one by one, this spares
  // them a look at their lists each time.
  bool is_union_nearest(int32_t c) {
    Cluster& cluster = clusters_[c];
    const int32_t place = place_[cluster.nearest];
    if (cluster.is_apart && clusters_[place].is_apart) return false;
    const auto is_there = [&](int32_t partner) { return place_[partner] == place; };
    if (!partners_.empty() && std::any_of(partners_[c].begin(), partners_[c].end(), is_there)) return false;
    double distance = 0;
    means_.evaluate(c, &place, 1, &distance);
    if (!(distance < cluster.others_distance && distance <= limit_)) return false;
    cluster.nearest = place;
    cluster.nearest_distance = distance;
    return true;
  }

  // What the list of c must not hold counts as seen: the cluster itself, and its partners of separated pairs.
  void begin_list(int32_t c, Scratch& scratch) {
    scratch.last_seen.resize(n_, 0);
    scratch.neighbors.clear();
    ++scratch.now;
    scratch.last_seen[c] = scratch.now;
    if (partners_.empty()) return;
    std::vector<int32_t> partners;
    for (const int32_t part : {c, clusters_[c].absorbed}) {
      if (part < 0) continue;
      for (const int32_t old : std::exchange(partners_[part], {}))
        if (is_new(place_[old], scratch)) partners.push_back(place_[old]);
    }
    partners_[c] = std::move(partners);
  }

  static bool is_new(int32_t place, Scratch& scratch) {
    return std::exchange(scratch.last_seen[place], scratch.now) != scratch.now;
  }

  // Adds what `part` of c had near, where c may merge with it.
  void add_neighbors(int32_t part, int32_t c, Scratch& scratch, std::vector<int32_t>& orphans) const {
    const bool is_union = clusters_[c].absorbed >= 0;
    for (int32_t t = 0; t < clusters_[part].n_neighbors; ++t) {
      const int32_t place = place_[clusters_[part].neighbors[t]];
      const Cluster& neighbor = clusters_[place];
      if (is_union && neighbor.absorbed < 0 && neighbor.nearest == part) orphans.push_back(place);
      if (is_new(place, scratch) && !(neighbor.is_apart && clusters_[c].is_apart)) scratch.neighbors.push_back(place);
    }
  }

  // Writes the list of c anew: those within the limit.
  void keep_near(int32_t c, Scratch& scratch) {
    Cluster& cluster = clusters_[c];
    const size_t n_found = scratch.neighbors.size();
    scratch.distances.resize(n_found);
    means_.evaluate(c, scratch.neighbors.data(), static_cast<int64_t>(n_found), scratch.distances.data());
    cluster.nearest = -1;
    cluster.nearest_distance = cluster.others_distance = kInfinity;
    size_t kept = 0;
    for (size_t t = 0; t < n_found; ++t) {
      if (!(scratch.distances[t] <= limit_)) continue;
      scratch.neighbors[kept++] = scratch.neighbors[t];
      take_nearer(c, scratch.neighbors[t], scratch.distances[t]);
    }
    if (cluster.absorbed >= 0) {
      clusters_[cluster.absorbed].list.reset();
      cluster.list = std::make_unique<int32_t[]>(kept);
      cluster.neighbors = cluster.list.get();
    }
    std::copy_n(scratch.neighbors.begin(), kept, cluster.neighbors);
    cluster.n_neighbors = static_cast<int32_t>(kept);
  }

  static int64_t n_tasks(const std::vector<int32_t>& places) {
    return (static_cast<int64_t>(places.size()) + kClustersPerTask - 1) / kClustersPerTask;
  }

  // Calls work(task, c, scratch) for all places, on all threads.
  template <class Work>
  void for_each(const std::vector<int32_t>& places, const Watch& watch, const Work& work) {
    const auto size = static_cast<int64_t>(places.size());
    parallel_for(
        n_tasks(places), execution_,
        [&](int64_t task, int thread) {
          for (int64_t t = task * kClustersPerTask; t < std::min(size, (task + 1) * kClustersPerTask); ++t)
            work(task, places[t], scratch_[thread]);
        },
        watch);
  }

  double share_done() const { return static_cast<double>(merges_.size()) / n_; }

  ClusterMeans<T>& means_;
  const double limit_;
  const Execution& execution_;
  const int32_t n_;
  UninitializedVector<int32_t> neighbors_;      // of all clusters at first
  std::vector<Cluster> clusters_;               // [n] by place
  std::vector<int32_t> place_;                  // [n] of the cluster that a part is in now
  std::vector<int32_t> next_in_cluster_;        // [n] the parts of a cluster, in a ring
  std::vector<std::vector<int32_t>> partners_;  // [n] by place, of separated pairs; or empty: there are none
  std::vector<FoundMerge> merges_;              // between nodes
  ThreadScratch<Scratch> scratch_;
};

}  // namespace

template <class T>
Dendrogram merge_mutual_neighbors(ClusterMeans<T>& means, std::vector<ClusterPair> pairs, double limit,
                                  const Separations& separations, const Execution& execution) {
  return MutualNeighbors<T>(means, std::move(pairs), limit, separations, execution).run();
}

template Dendrogram merge_mutual_neighbors(ClusterMeans<float>&, std::vector<ClusterPair>, double, const Separations&,
                                           const Execution&);
template Dendrogram merge_mutual_neighbors(ClusterMeans<double>&, std::vector<ClusterPair>, double, const Separations&,
                                           const Execution&);

}  // namespace bcl
