// The linkages of points, that of a graph, and new points beside clusters; their array checks.
#include <pybind11/stl.h>

#include <cmath>
#include <optional>
#include <string>

#include "bindings/arrays.h"
#include "bindings/define.h"
#include "bindings/execution.h"
#include "bindings/linkage_arrays.h"
#include "linkage/assign.h"
#include "linkage/average_linkage.h"
#include "linkage/complete_linkage.h"
#include "linkage/condense.h"
#include "linkage/dense_linkage.h"
#include "linkage/graph_linkage.h"

namespace bcl {
namespace {

// Every row's neighbours must be in range: anything else would write out of bounds.
void check_graph(const Array<int64_t>& offsets, const Array<int32_t>& neighbors, const Array<double>& distances) {
  check_aligned(offsets, "offsets");
  check_aligned(neighbors, "neighbors");
  check_aligned(distances, "distances");
  const int64_t n = offsets.size() - 1;
  if (offsets.ndim() != 1 || n < 0 || offsets.at(0) != 0)
    throw std::invalid_argument("offsets must be 1-D and start with 0");
  for (int64_t i = 0; i < n; ++i)
    if (offsets.data()[i + 1] < offsets.data()[i]) throw std::invalid_argument("offsets must not decrease");
  if (neighbors.size() != offsets.data()[n] || distances.size() != neighbors.size())
    throw std::invalid_argument("neighbors and distances must have offsets[-1] entries");
  for (int64_t i = 0; i < n; ++i)
    for (int64_t e = offsets.data()[i]; e < offsets.data()[i + 1]; ++e) {
      const int32_t neighbor = neighbors.data()[e];
      if (neighbor < 0 || neighbor >= n) throw std::invalid_argument("neighbors must lie in [0, n)");
      if (neighbor == i) throw std::invalid_argument("neighbors must not hold a point itself");
      if (std::isnan(distances.data()[e])) throw std::invalid_argument("distances must not be NaN");
    }
}

// The last that is told is how many clusters are left.
template <class Merge>
py::tuple merged(const PythonExecution& how, int64_t n, const Merge& merge) {
  return to_python(carry_out(how, [&](const Execution& execution) {
    Dendrogram dendrogram = merge(execution);
    execution.tell("done", n - static_cast<int64_t>(dendrogram.merges.size()), 1);
    return dendrogram;
  }));
}

py::tuple linkage_of_graph(const Array<int64_t>& offsets, Array<int32_t>& neighbors, Array<double>& distances,
                           const PythonExecution& how) {
  check_graph(offsets, neighbors, distances);
  const int64_t n = offsets.size() - 1;
  int32_t* const neighbor_data = neighbors.mutable_data();
  double* const distance_data = distances.mutable_data();
  Dendrogram dendrogram = carry_out(how, [&](const Execution& execution) {
    Dendrogram result = in_order(graph_linkage(n, offsets.data(), neighbor_data, distance_data, nullptr, execution));
    execution.tell("done", n, 1);
    return result;
  });
  return to_python(std::move(dendrogram));
}

Linkage linkage_named(const std::string& name) {
  if (name != "complete" && name != "average") throw std::invalid_argument("linkage must be 'complete' or 'average'");
  return name == "complete" ? Linkage::complete : Linkage::average;
}

template <class T>
py::tuple linkage_of_all_pairs(Array<T>& distances, int64_t n, const std::string& linkage, double distance_threshold,
                               const std::optional<Array<int32_t>>& must_link_groups, const Array<int32_t>& cannot_link,
                               const PythonExecution& how) {
  check_aligned(distances, "distances");
  if (n < 0 || n > int64_t{1} << 30 || distances.ndim() != 1 || distances.size() != CondensedRows::size(n))
    throw std::invalid_argument("distances must be 1-D, of n * (n - 1) / 2 pairs");
  if (!(distance_threshold >= 0)) throw std::invalid_argument("distance_threshold must be >= 0");
  if (must_link_groups) check_numbering(*must_link_groups, n, "must_link_groups");
  check_cannot_link(cannot_link, n);
  const DenseOptions options{linkage_named(linkage), distance_threshold,
                             must_link_groups ? must_link_groups->data() : nullptr, cannot_link.data(),
                             cannot_link.shape(0)};
  T* const data = distances.mutable_data();
  return merged(how, n,
                [&](const Execution& execution) { return in_order(dense_linkage(n, data, options, execution)); });
}

template <class T>
py::tuple condensed_square(const Array<T>& square, double relative, double scale, const PythonExecution& how) {
  check_aligned(square, "square");
  if (square.ndim() != 2 || square.shape(0) != square.shape(1)) throw std::invalid_argument("square must be square");
  const int64_t n = square.shape(0);
  const T* const data = square.data();
  Array<T> condensed(static_cast<py::ssize_t>(CondensedRows::size(n)));
  T* const out = condensed.mutable_data();
  const BadPair bad =
      carry_out(how, [&](const Execution& execution) { return condense(data, n, {relative, scale}, out, execution); });
  return py::make_tuple(condensed, bad.i < 0 ? py::object(py::none()) : py::make_tuple(bad.i, bad.j));
}

template <class T>
using LinkageOfPoints = Dendrogram (*)(const T*, int64_t, int64_t, const LinkageOptions&, const Execution&);

template <class T, LinkageOfPoints<T> linkage>
py::tuple linkage_of_points(const Array<T>& points, double distance_threshold, int64_t max_pairs,
                            const std::optional<Array<int32_t>>& must_link_groups, const Array<int32_t>& cannot_link,
                            const PythonExecution& how, bool may_copy, int64_t n_apart, int64_t max_dense_pairs,
                            int64_t fewest_grouped) {
  check_points(points, distance_threshold);
  const int64_t n = points.shape(0), d = points.shape(1);
  if (max_pairs < 1) throw std::invalid_argument("max_pairs must be >= 1");
  if (must_link_groups) check_numbering(*must_link_groups, n, "must_link_groups");
  check_cannot_link(cannot_link, n);
  if (n_apart < 0 || (n_apart > 0 && !must_link_groups)) throw std::invalid_argument("n_apart counts must_link_groups");
  LinkageOptions options{distance_threshold, max_pairs};
  options.must_link_groups = must_link_groups ? must_link_groups->data() : nullptr;
  options.n_apart = n_apart;
  options.cannot_link = cannot_link.data();
  options.n_cannot_link = cannot_link.shape(0);
  options.may_copy = may_copy;
  options.max_dense_pairs = max_dense_pairs;
  options.fewest_grouped = fewest_grouped;
  const T* const data = points.data();
  return merged(how, n, [&](const Execution& execution) { return linkage(data, n, d, options, execution); });
}

template <class T>
py::array assigned(const Array<T>& points, int64_t n_new, const Array<int32_t>& clusters, double distance_threshold,
                   const PythonExecution& how, const std::string& linkage) {
  check_points(points, distance_threshold);
  const int64_t n = points.shape(0), d = points.shape(1);
  if (n_new < 0 || n_new > n) throw std::invalid_argument("n_new must lie in [0, n]");
  check_numbering(clusters, n - n_new, "clusters");
  const T* const data = points.data();
  const Linkage kind = linkage_named(linkage);
  return to_numpy(carry_out(how, [&](const Execution& execution) {
    std::vector<int64_t> result = assign(data, n, d, n_new, clusters.data(), kind, distance_threshold, execution);
    execution.tell("done", n, 1);
    return result;
  }));
}

template <class T, LinkageOfPoints<T> linkage>
void define_linkage_of_points(py::module_& m, const char* name, const char* doc) {
  m.def(name, &linkage_of_points<T, linkage>, py::arg("points").noconvert(), py::arg("distance_threshold"),
        py::arg("max_pairs"), py::arg("must_link_groups").noconvert(), py::arg("cannot_link").noconvert(),
        py::arg("execution") = PythonExecution(), py::arg("may_copy") = true, py::arg("n_apart") = 0,
        py::arg("max_dense_pairs") = 0, py::arg("fewest_grouped") = kFewestGrouped, doc);
}

template <class T>
void define_for(py::module_& m) {
  define_linkage_of_points<T, complete_linkage<T>>(m, "complete_linkage",
                                                   "Complete linkage of points, rung by rung: (merges, labels).");
  define_linkage_of_points<T, average_linkage<T>>(
      m, "average_linkage", "Average linkage of points by squared distance, rung by rung: (merges, labels).");
  m.def("dense_linkage", &linkage_of_all_pairs<T>, py::arg("distances").noconvert(), py::arg("n"), py::arg("linkage"),
        py::arg("distance_threshold"), py::arg("must_link_groups").noconvert(), py::arg("cannot_link").noconvert(),
        py::arg("execution") = PythonExecution(),
        "Linkage of a condensed vector, which is overwritten: (merges, labels).");
  m.def("condense", &condensed_square<T>, py::arg("square").noconvert(), py::arg("relative"), py::arg("scale"),
        py::arg("execution") = PythonExecution(),
        "The condensed vector of a square matrix symmetric up to rounding, and the first pair that is not, or None.");
  m.def("assign", &assigned<T>, py::arg("points").noconvert(), py::arg("n_new"), py::arg("clusters").noconvert(),
        py::arg("distance_threshold"), py::arg("execution") = PythonExecution(), py::arg("linkage") = "complete",
        "The nearest cluster that each of the first points may join, -1: none.");
}

}  // namespace

void define_linkage(py::module_& m) {
  define_for<float>(m);
  define_for<double>(m);
  m.def("graph_linkage", &linkage_of_graph, py::arg("offsets").noconvert(), py::arg("neighbors").noconvert(),
        py::arg("distances").noconvert(), py::arg("execution") = PythonExecution(),
        "Complete linkage on a radius graph, whose neighbors and distances are overwritten: (merges, labels).");
}

}  // namespace bcl
