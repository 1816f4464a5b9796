// A linkage rung by rung, for those who hold the points elsewhere (bcl_fast.distributed): what is done where the points
// are, and what without them.
#include "linkage/rungs.h"

#include <pybind11/stl.h>

#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "arrangement/point_groups.h"
#include "bindings/arrays.h"
#include "bindings/define.h"
#include "bindings/execution.h"
#include "bindings/linkage_arrays.h"
#include "distance/identical_points.h"
#include "linkage/closest_pairs.h"
#include "linkage/complete_rung.h"
#include "linkage/largest_distances.h"

namespace bcl {
namespace {

using OptionalGroups = std::optional<Array<int32_t>>;

py::tuple to_python(const ClosestPairs& found) {
  const auto n = static_cast<py::ssize_t>(found.pairs.size());
  Array<double> distances(n);
  Array<int32_t> pairs({n, py::ssize_t{2}});
  for (py::ssize_t p = 0; p < n; ++p) {
    distances.mutable_data()[p] = found.pairs[p].distance;
    pairs.mutable_data()[2 * p] = found.pairs[p].left;
    pairs.mutable_data()[2 * p + 1] = found.pairs[p].right;
  }
  return py::make_tuple(distances, pairs, found.was_cut);
}

std::vector<ClusterPair> pairs_of(const Array<double>& distances, const Array<int32_t>& pairs) {
  if (distances.ndim() != 1 || pairs.ndim() != 2 || pairs.shape(1) != 2 || pairs.shape(0) != distances.shape(0))
    throw std::invalid_argument("pairs must be [n, 2], with a distance for each");
  std::vector<ClusterPair> result(distances.size());
  for (size_t p = 0; p < result.size(); ++p)
    result[p] = {distances.data()[p], pairs.data()[2 * p], pairs.data()[2 * p + 1]};
  return result;
}

// One entry below n_clusters per row, and a row for each cluster: anything else would write out of bounds.
template <class T>
Clusters clusters_of(const Array<T>& points, const Array<int32_t>& labels, int64_t n_clusters) {
  check_points(points, 0);
  check_aligned(labels, "clusters");
  if (labels.ndim() != 1 || labels.size() != points.shape(0))
    throw std::invalid_argument("clusters must have one entry per point");
  std::vector<int32_t> places(labels.size());
  std::vector<int64_t> wide(labels.data(), labels.data() + labels.size());
  for (size_t place = 0; place < wide.size(); ++place) {
    places[place] = static_cast<int32_t>(place);
    if (wide[place] < 0 || wide[place] >= n_clusters) throw std::invalid_argument("clusters must lie in [0, n)");
  }
  Clusters clusters = group_points(places, wide, n_clusters);
  for (int64_t c = 0; c < n_clusters; ++c)
    if (clusters.size(c) == 0) throw std::invalid_argument("clusters must not be empty");
  return clusters;
}

void check_places(const std::vector<int32_t>& places, int64_t n, const char* name) {
  for (const int32_t place : places)
    if (place < 0 || place >= n) throw std::invalid_argument(std::string(name) + " must lie in [0, n)");
}

template <class T>
py::tuple closest_pairs_between(const Array<T>& points, const Array<int32_t>& labels, const std::vector<int32_t>& ranks,
                                const std::vector<int64_t>& group_offsets, int64_t n_rows, double distance_threshold,
                                double largest, int64_t max_pairs, const Array<int32_t>& cannot_link,
                                const PythonExecution& how) {
  check_points(points, distance_threshold);
  const auto n = static_cast<int64_t>(ranks.size());
  Clusters clusters = clusters_of(points, labels, n);
  if (n_rows < 0 || n_rows > n) throw std::invalid_argument("n_rows must lie in [0, n]");
  if (max_pairs < 1) throw std::invalid_argument("max_pairs must be >= 1");
  if (!group_offsets.empty() && (!std::is_sorted(group_offsets.begin(), group_offsets.end()) ||
                                 group_offsets.front() != 0 || group_offsets.back() != n))
    throw std::invalid_argument("group_offsets must ascend from 0 to n");
  int32_t most = -1;
  for (const int32_t rank : ranks) most = std::max(most, rank);
  check_places(ranks, int64_t{most} + 1, "ranks");
  check_cannot_link(cannot_link, std::numeric_limits<int32_t>::max());
  for (py::ssize_t e = 0; e < cannot_link.size(); ++e) most = std::max(most, cannot_link.data()[e]);
  const T* const data = points.data();
  const int64_t n_points = points.shape(0), d = points.shape(1);
  return to_python(carry_out(how, [&](const Execution& execution) {
    std::vector<int64_t> same(cannot_link.shape(0) > 0 ? most + 1 : 0);
    for (size_t r = 0; r < same.size(); ++r) same[r] = static_cast<int64_t>(r);
    const Separations separations(same, most + 1, cannot_link.data(), cannot_link.shape(0), 0);
    const ExactDistances<T> exact(data, n_points, d, distance_threshold);
    if (!group_offsets.empty()) clusters = farthest_first(exact, std::move(clusters), execution);
    const LargestDistances<T> distances(exact, std::move(clusters), !group_offsets.empty());
    return closest_pairs_of_blocks(distances, {ranks, group_offsets, {}}, separations, n_rows, largest, max_pairs,
                                   execution);
  }));
}

template <class T>
Array<double> exact_distances(const Array<T>& points, const Array<int32_t>& labels, int64_t n_clusters,
                              const Array<int32_t>& pairs, const PythonExecution& how) {
  Clusters clusters = clusters_of(points, labels, n_clusters);
  check_cannot_link(pairs, n_clusters);
  Array<double> result(pairs.shape(0));
  double* const out = result.mutable_data();
  carry_out(how, [&](const Execution& execution) {
    const ExactDistances<T> exact(points.data(), points.shape(0), points.shape(1),
                                  std::numeric_limits<double>::infinity());
    const LargestDistances<T> distances(exact, std::move(clusters));
    measure_exactly(pairs.shape(0), execution, out,
                    [&](int64_t t) { return distances.exact_distance(pairs.data()[2 * t], pairs.data()[2 * t + 1]); });
    return 0;
  });
  return result;
}

template <class T>
double guessed_reach(const Array<T>& points, const Array<int32_t>& labels, const std::vector<int32_t>& rows,
                     const std::vector<int32_t>& columns, double distance_threshold, int64_t n_clusters,
                     int64_t max_pairs, const PythonExecution& how) {
  int32_t most = -1;
  for (py::ssize_t i = 0; i < labels.size(); ++i) most = std::max(most, labels.data()[i]);
  Clusters clusters = clusters_of(points, labels, int64_t{most} + 1);
  check_places(rows, clusters.n(), "rows");
  check_places(columns, clusters.n(), "columns");
  return carry_out(how, [&](const Execution& execution) {
    const ExactDistances<T> exact(points.data(), points.shape(0), points.shape(1), distance_threshold);
    return guess_reach(LargestDistances<T>(exact, std::move(clusters)), rows, columns, n_clusters, max_pairs,
                       execution);
  });
}

template <class T>
py::array hashes_of_rows(const Array<T>& points, const PythonExecution& how) {
  check_points(points, 0);
  return to_numpy(carry_out(how, [&](const Execution& execution) {
    return row_hashes(points.data(), points.shape(0), points.shape(1), execution);
  }));
}

template <class T>
py::tuple groups_of(const Array<T>& points, double radius, int64_t n_all, const PythonExecution& how) {
  check_points(points, radius);
  PointGroups groups = carry_out(how, [&](const Execution& execution) {
    return group_points(ScaledPoints(points.data(), nullptr, points.shape(0), points.shape(1), execution), radius,
                        execution, n_all);
  });
  return py::make_tuple(to_numpy(std::move(groups.order)), to_numpy(std::move(groups.offsets)));
}

template <class T>
py::array groups_by_centers(const Array<T>& points, int64_t n_centers, double radius, const PythonExecution& how) {
  check_points(points, radius);
  if (n_centers < 0 || n_centers > points.shape(0)) throw std::invalid_argument("n_centers must lie in [0, n]");
  return to_numpy(carry_out(how, [&](const Execution& execution) {
    return nearest_groups(ScaledPoints(points.data(), nullptr, points.shape(0), points.shape(1), execution), n_centers,
                          radius, execution);
  }));
}

py::array points_of_constraints(int64_t n, const OptionalGroups& must_link_groups, const Array<int32_t>& cannot_link) {
  if (must_link_groups) check_numbering(*must_link_groups, n, "must_link_groups");
  check_cannot_link(cannot_link, n);
  LinkageOptions options{0, 1};
  options.must_link_groups = must_link_groups ? must_link_groups->data() : nullptr;
  options.cannot_link = cannot_link.data();
  options.n_cannot_link = cannot_link.shape(0);
  const std::vector<bool> constrained = constrained_points(n, options);
  Array<bool> result(static_cast<py::ssize_t>(n));
  std::copy(constrained.begin(), constrained.end(), result.mutable_data());
  return result;
}

// What climb() (linkage/rungs.h) keeps from rung to rung, for complete linkage, without the points.
class Rungs {
 public:
  Rungs(const Array<int32_t>& first_identical, const OptionalGroups& must_link_groups, int64_t max_pairs)
      : max_pairs_(max_pairs), progress_(execution_) {
    const int64_t n = first_identical.size();
    if (first_identical.ndim() != 1) throw std::invalid_argument("first_identical must be 1-D");
    for (int64_t i = 0; i < n; ++i)
      if (first_identical.data()[i] < 0 || first_identical.data()[i] > i)
        throw std::invalid_argument("first_identical must name no later point");
    if (max_pairs < 1) throw std::invalid_argument("max_pairs must be >= 1");
    if (must_link_groups) check_numbering(*must_link_groups, n, "must_link_groups");
    builder_.emplace(n, must_link_groups ? must_link_groups->data() : nullptr,
                     std::vector<int32_t>(first_identical.data(), first_identical.data() + n));
  }

  int64_t n_clusters() const { return builder().n_clusters(); }

  Array<int32_t> labels() const {
    const std::vector<int64_t>& labels = builder().labels();
    const std::vector<int32_t> firsts = builder().first_points();
    Array<int32_t> result(static_cast<py::ssize_t>(labels.size()));
    std::transform(labels.begin(), labels.end(), result.mutable_data(), [&](int64_t label) { return firsts[label]; });
    return result;
  }

  py::tuple sample() const {
    const SampledClusters sampled = SampledClusters::of_guess(n_clusters(), max_pairs_);
    std::vector<int32_t> place(n_clusters(), -1);
    int32_t n_places = 0;
    for (const std::vector<int32_t>* clusters : {&sampled.rows, &sampled.columns})
      for (const int32_t c : *clusters)
        if (place[c] < 0) place[c] = n_places++;
    std::vector<std::vector<int32_t>> members(n_places);
    for (size_t i = 0; i < builder().labels().size(); ++i) {
      const int32_t p = place[builder().labels()[i]];
      if (p >= 0 && builder().is_distinct(static_cast<int32_t>(i))) members[p].push_back(static_cast<int32_t>(i));
    }
    std::vector<int32_t> points, clusters, rows, columns;
    for (int32_t p = 0; p < n_places; ++p)
      for (const int32_t point : few_of(members[p])) {
        points.push_back(point);
        clusters.push_back(p);
      }
    for (const int32_t c : sampled.rows) rows.push_back(place[c]);
    for (const int32_t c : sampled.columns) columns.push_back(place[c]);
    return py::make_tuple(to_numpy(std::move(points)), to_numpy(std::move(clusters)), rows, columns);
  }

  Array<int32_t> merge(PairPool& pool, const PythonExecution& how) {
    rung_.reset();
    const std::vector<int32_t> firsts = builder().first_points();
    std::vector<ClusterPair> pairs = pool.whole_result().pairs;
    number_clusters(pairs, firsts);
    rung_ = carry_out(how, [&](const Execution& execution) {
      FoundMerges found = merge_along(firsts, pairs, execution);
      std::vector<HeightSource> sources = height_sources(found, pairs, execution);
      return Rung{std::move(found), std::move(sources)};
    });
    Array<int32_t> sources({static_cast<py::ssize_t>(rung_->sources.size()), py::ssize_t{2}});
    int32_t* out = sources.mutable_data();
    for (const HeightSource& source : rung_->sources) {
      *out++ = firsts[source.left];
      *out++ = firsts[source.right];
    }
    return sources;
  }

  void add(const Array<double>& distances) {
    if (!rung_ || distances.ndim() != 1 || distances.size() != static_cast<py::ssize_t>(rung_->sources.size()))
      throw std::invalid_argument("distances must have one entry for each pair that merge returned");
    const int64_t n = n_clusters();
    set_heights(rung_->found, rung_->sources, distances.data());
    builder_->add_rung(rung_->found);
    rung_.reset();
    progress_.end_rung(n);
  }

  double share(double pairs_done, double merged) {
    constexpr double kPairs = LinkageProgress::kPairsPart;
    return progress_.whole_share(n_clusters(), kPairs * pairs_done + (1 - kPairs) * merged);
  }

  int64_t max_pairs() const { return max_pairs_; }

  py::tuple result() {
    builder();
    Dendrogram dendrogram = std::move(*builder_).result();
    builder_.reset();
    return bcl::to_python(std::move(dendrogram));
  }

 private:
  struct Rung {
    FoundMerges found;
    std::vector<HeightSource> sources;
  };

  // From their first points, by which the workers call clusters, to the numbers that they have here.
  void number_clusters(std::vector<ClusterPair>& pairs, const std::vector<int32_t>& firsts) const {
    std::vector<int32_t> number(builder().labels().size(), -1);
    for (size_t c = 0; c < firsts.size(); ++c) number[firsts[c]] = static_cast<int32_t>(c);
    const auto is_first = [&](int32_t i) {
      return i >= 0 && i < static_cast<int64_t>(number.size()) && number[i] >= 0;
    };
    for (ClusterPair& pair : pairs) {
      if (!is_first(pair.left) || !is_first(pair.right) || pair.left >= pair.right)
        throw std::invalid_argument("pairs must be of clusters' first points, the smaller first");
      pair.left = number[pair.left];
      pair.right = number[pair.right];
    }
  }

  const DendrogramBuilder& builder() const {
    if (!builder_) throw std::invalid_argument("the result was taken");
    return *builder_;
  }

  const int64_t max_pairs_;
  std::optional<DendrogramBuilder> builder_;
  std::optional<Rung> rung_;
  Execution execution_;
  LinkageProgress progress_;
};

template <class T>
void define_for(py::module_& m) {
  m.def("closest_pairs", &closest_pairs_between<T>, py::arg("points").noconvert(), py::arg("clusters").noconvert(),
        py::arg("ranks"), py::arg("group_offsets"), py::arg("n_rows"), py::arg("distance_threshold"),
        py::arg("largest"), py::arg("max_pairs"), py::arg("cannot_link").noconvert(),
        py::arg("execution") = PythonExecution(),
        "The closest pairs, by the largest distance, of the first n_rows clusters with the others, or of all where "
        "those are all: (distances, pairs of ranks, whether some were left out). Of equal distances the order of ranks "
        "decides.");
  m.def("exact_distances", &exact_distances<T>, py::arg("points").noconvert(), py::arg("clusters").noconvert(),
        py::arg("n_clusters"), py::arg("pairs").noconvert(), py::arg("execution") = PythonExecution(),
        "The largest distances of pairs of clusters with the bits of SciPy's.");
  m.def("guess_reach", &guessed_reach<T>, py::arg("points").noconvert(), py::arg("clusters").noconvert(),
        py::arg("rows"), py::arg("columns"), py::arg("distance_threshold"), py::arg("n_clusters"), py::arg("max_pairs"),
        py::arg("execution") = PythonExecution(),
        "The distance that max_pairs pairs of a rung lie within, guessed from the points that Rungs.sample names.");
  m.def("row_hashes", &hashes_of_rows<T>, py::arg("points").noconvert(), py::arg("execution") = PythonExecution(),
        "Numbers that are equal for equal rows, and for few others.");
  m.def("point_groups", &groups_of<T>, py::arg("points").noconvert(), py::arg("radius"), py::arg("n_all") = 0,
        py::arg("execution") = PythonExecution(),
        "Points by groups that stand close together: (order, where each group begins and the end); none: ([], [0]).");
  m.def("nearest_groups", &groups_by_centers<T>, py::arg("points").noconvert(), py::arg("n_centers"), py::arg("radius"),
        py::arg("execution") = PythonExecution(),
        "The nearest of the first n_centers points within about a radius, for each of the others; -1: none.");
}

}  // namespace

void define_rungs(py::module_& m) {
  py::class_<PairPool>(m, "PairPool", "The closest pairs of a rung's clusters, from the parts of a search.")
      .def(py::init<int64_t, double>(), py::arg("max_pairs"), py::arg("largest"))
      .def_property_readonly("largest", &PairPool::largest, "Distance beyond which no pair is wanted.")
      .def_property_readonly("size", &PairPool::size)
      .def_property_readonly("was_cut", &PairPool::was_cut, "Whether pairs that are farther were left out.")
      .def(
          "add",
          [](PairPool& pool, const Array<double>& distances, const Array<int32_t>& pairs, bool was_cut) {
            pool.add_part({pairs_of(distances, pairs), was_cut});
          },
          py::arg("distances").noconvert(), py::arg("pairs").noconvert(), py::arg("was_cut"));
  py::class_<Rungs>(m, "Rungs", "A complete linkage rung by rung, without the points.")
      .def(py::init<const Array<int32_t>&, const OptionalGroups&, int64_t>(), py::arg("first_identical").noconvert(),
           py::arg("must_link_groups").noconvert(), py::arg("max_pairs"))
      .def_property_readonly("n_clusters", &Rungs::n_clusters)
      .def_property_readonly("fewest_of_guess", [](const Rungs& rungs) { return fewest_of_guess(rungs.max_pairs()); })
      .def("labels", &Rungs::labels, "The cluster of each point so far, called by its first point.")
      .def("sample", &Rungs::sample,
           "Points that tell how far a rung's pairs may reach: (points, their clusters, rows, columns of these).")
      .def("merge", &Rungs::merge, py::arg("pool"), py::arg("execution") = PythonExecution(),
           "Merge along the pool's pairs, of clusters called as in labels; return pairs whose distances are wanted.")
      .def("add", &Rungs::add, py::arg("distances").noconvert(),
           "End the rung with the distances of these pairs, the largest of which are the heights of the merges.")
      .def("share", &Rungs::share, py::arg("pairs_done"), py::arg("merged"), "Of the whole work, what is done.")
      .def("result", &Rungs::result, "The merges and labels, once.");
  define_for<float>(m);
  define_for<double>(m);
  m.def("constrained_points", &points_of_constraints, py::arg("n"), py::arg("must_link_groups").noconvert(),
        py::arg("cannot_link").noconvert(), "Which points a constraint speaks of.");
}

}  // namespace bcl
