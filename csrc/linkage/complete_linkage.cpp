#include "linkage/complete_linkage.h"

#include <optional>
#include <utility>
#include <vector>

#include "distance/exact_distances.h"
#include "linkage/all_pairs.h"
#include "linkage/complete_rung.h"
#include "linkage/dense_linkage.h"
#include "linkage/largest_distances.h"
#include "linkage/member_mean.h"
#include "linkage/rungs.h"

namespace bcl {
namespace {

template <class T>
class CompleteMethod {
 public:
  // In groups, clusters are told apart by their means.
  CompleteMethod(const ExactDistances<T>& exact, int64_t n, bool in_groups, const Execution& execution)
      : exact_(exact), nothing_is_rounded_(exact.is_exact(n)), in_groups_(in_groups), execution_(execution) {}

  const LargestDistances<T>& distances(const RungOrder& rung) {
    place_ = inverse(rung.ranks);
    Clusters clusters = group_points(rung.places, rung.labels, static_cast<int64_t>(rung.ranks.size()));
    if (in_groups_) clusters = farthest_first(exact_, std::move(clusters), execution_);
    distances_.emplace(exact_, std::move(clusters), in_groups_);
    return *distances_;
  }

  // A pair that is not there forbids its merge, be it too far apart or separated.
  FoundMerges merge(RungPairs closest, const RungOrder& order, const Separations&, const Execution& execution) const {
    FoundMerges found = merge_along(order.firsts, closest.pairs, execution);
    if (nothing_is_rounded_) return found;
    const std::vector<HeightSource> sources = height_sources(found, closest.pairs, execution);
    std::vector<double> distances(sources.size());
    measure_exactly(static_cast<int64_t>(sources.size()), execution, distances.data(), [&](int64_t s) {
      return distances_->exact_distance(place_[sources[s].left], place_[sources[s].right]);
    });
    set_heights(found, sources, distances.data());
    return found;
  }

  FoundMerges merge_all_pairs(const RungOrder& rung, const Separations& separations, const Execution& searching,
                              const Execution& merging) const {
    Condensed condensed =
        all_largest_distances(exact_.row(0), exact_.d(), distances_->clusters(), rung.ranks, separations, searching);
    DenseOptions options{Linkage::complete, exact_.distance_threshold()};
    options.firsts = rung.firsts.data();
    return dense_linkage(distances_->n_clusters(), condensed.data(), options, merging);
  }

 private:
  const ExactDistances<T>& exact_;
  const bool nothing_is_rounded_, in_groups_;
  const Execution& execution_;
  std::optional<LargestDistances<T>> distances_;  // of the rung
  std::vector<int32_t> place_;                    // [n] in the rung's order, by number
};

}  // namespace

template <class T>
Dendrogram complete_linkage(const T* points, int64_t n, int64_t d, const LinkageOptions& options,
                            const Execution& execution) {
  DendrogramBuilder builder = first_clusters(points, n, d, options, execution);
  const ArrangedPoints<T> arranged = arranged_points(points, n, d, builder.n_clusters(), options, execution);
  const ExactDistances<T> exact(arranged.points(), n, d, options.distance_threshold);
  return climb(std::move(builder), arranged.groups(), CompleteMethod<T>(exact, n, arranged.groups().n() > 0, execution),
               options, execution);
}

template Dendrogram complete_linkage(const float*, int64_t, int64_t, const LinkageOptions&, const Execution&);
template Dendrogram complete_linkage(const double*, int64_t, int64_t, const LinkageOptions&, const Execution&);

}  // namespace bcl
