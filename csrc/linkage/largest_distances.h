// Distances between clusters as complete linkage has them: the largest between their points.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "distance/exact_distances.h"
#include "distance/scaled_points.h"
#include "linkage/clusters.h"
#include "linkage/exact_heights.h"
#include "linkage/member_mean.h"

namespace bcl {

template <class T>
class LargestDistances {
 public:
  // `exact` must outlive it.
  LargestDistances(const ExactDistances<T>& exact, Clusters clusters, bool screen_means = false)
      : exact_(&exact), clusters_(std::move(clusters)), screen_means_(screen_means) {}

  int64_t n_clusters() const { return clusters_.n(); }
  int64_t n_points() const { return static_cast<int64_t>(clusters_.members.size()); }  // to measure all pairs of
  const Clusters& clusters() const { return clusters_; }
  double distance_threshold() const { return exact_->distance_threshold(); }

  // For a screen: one point of each cluster, no farther apart than the clusters; or their means with spreads, whose
  // distance is the mean of their points', which blocks of cells tell apart more often (README.md).
  ScaledPoints screened_points(const Execution& execution) const {
    if (n_clusters() == n_points()) return first_points(execution);
    const auto write_mean = [&](int64_t c, double* mean) { MemberMean<T>(*exact_, clusters_, c).write(mean); };
    const auto spread = [&](int64_t c) { return MemberMean<T>(*exact_, clusters_, c).spread(); };
    return {n_clusters(), exact_->d(), write_mean, spread, execution};
  }

  // Distances that are quick to measure, at most these and about as large: those of a few members of the clusters
  // named. Which members is a matter of the points' numbers, by place, and of no order that they stand in.
  LargestDistances simplified(std::initializer_list<const std::vector<int32_t>*> wanted,
                              const std::vector<int32_t>& numbers) const {
    std::vector<bool> is_wanted(n_clusters(), false);
    for (const std::vector<int32_t>* places : wanted)
      for (const int32_t c : *places) is_wanted[c] = true;
    Clusters few;
    for (int64_t c = 0; c < n_clusters(); ++c) {
      if (is_wanted[c]) {
        std::vector<int32_t> members(clusters_.begin(c), clusters_.end(c));
        std::sort(members.begin(), members.end(), [&](int32_t a, int32_t b) { return numbers[a] < numbers[b]; });
        for (const int32_t member : few_of(members)) few.members.push_back(member);
      }
      few.offsets.push_back(static_cast<int64_t>(few.members.size()));
    }
    return {*exact_, std::move(few)};
  }

  // Of the clusters at these places alone, in this order.
  LargestDistances chosen(const std::vector<int32_t>& places) const {
    Clusters chosen;
    for (const int32_t c : places) {
      chosen.members.insert(chosen.members.end(), clusters_.begin(c), clusters_.end(c));
      chosen.offsets.push_back(static_cast<int64_t>(chosen.members.size()));
    }
    return {*exact_, std::move(chosen)};
  }

  struct Scratch {
    std::vector<NearCluster> near;
    std::vector<int32_t> points;
    std::vector<double> distances;
  };

  // Leaves in scratch.near, in order, those of `candidates` whose distance to cluster i is within the threshold and
  // `largest`. First by the first member of each; then, point by point, by all members of those that are left.
  void measure(int64_t i, const int32_t* candidates, int64_t count, double largest, Scratch& scratch) const {
    scratch.near.clear();
    scratch.points.clear();
    for (int64_t t = 0; t < count; ++t) {
      scratch.near.push_back({candidates[t], 0.0});
      scratch.points.push_back(*clusters_.begin(candidates[t]));
    }
    keep_near(*clusters_.begin(i), largest, [](int32_t) { return int64_t{1}; }, scratch);
    const auto is_large = [&](const NearCluster& near) { return clusters_.size(near.cluster) > 1; };
    if (clusters_.size(i) == 1 && std::none_of(scratch.near.begin(), scratch.near.end(), is_large)) return;
    for (const int32_t* point = clusters_.begin(i); point < clusters_.end(i) && !scratch.near.empty(); ++point) {
      scratch.points.clear();
      for (const NearCluster& near : scratch.near)
        scratch.points.insert(scratch.points.end(), clusters_.begin(near.cluster), clusters_.end(near.cluster));
      keep_near(*point, largest, [&](int32_t c) { return clusters_.size(c); }, scratch);
    }
  }

  // The distance of two clusters with the bits of SciPy's: the sum in the order of the features, of the few pairs of
  // points that rounding might have put first.
  double exact_distance(int64_t i, int64_t j) const {
    double largest = 0, exact = 0;
    std::vector<double> distances(clusters_.size(j));
    for (const int32_t* point = clusters_.begin(i); point < clusters_.end(i); ++point) {
      exact_->evaluate(*point, clusters_.begin(j), clusters_.size(j), distances.data());
      for (int64_t t = 0; t < clusters_.size(j); ++t) {
        if (distances[t] < largest * (1 - kSummationRounding)) continue;
        largest = std::max(largest, distances[t]);
        exact = std::max(exact, exact_->sequential(*point, clusters_.begin(j)[t]));
      }
    }
    return exact;
  }

 private:
  ScaledPoints first_points(const Execution& execution) const {
    std::vector<int32_t> first_members(n_clusters());
    for (int64_t c = 0; c < n_clusters(); ++c) first_members[c] = *clusters_.begin(c);
    return {exact_->row(0), first_members.data(), n_clusters(), exact_->d(), execution};
  }

  // Evaluates one point against scratch.points, which are size(cluster) points of every cluster in scratch.near.
  template <class Size>
  void keep_near(int32_t point, double largest, const Size& size, Scratch& scratch) const {
    scratch.distances.resize(scratch.points.size());
    exact_->evaluate(point, scratch.points.data(), static_cast<int64_t>(scratch.points.size()),
                     scratch.distances.data());
    const double limit = std::min(largest, distance_threshold());
    const double* distance = scratch.distances.data();
    size_t kept = 0;
    for (const NearCluster near : scratch.near) {
      const double* const end = distance + size(near.cluster);
      const double farthest = *std::max_element(distance, end);
      distance = end;
      scratch.near[kept] = {near.cluster, std::max(near.distance, farthest)};
      kept += farthest <= limit;
    }
    scratch.near.resize(kept);
  }

  const ExactDistances<T>* exact_;
  Clusters clusters_;
  bool screen_means_;
};

}  // namespace bcl
