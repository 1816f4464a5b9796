// The radius graph and its array checks.
#include "radius_graph/radius_graph.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/define.h"
#include "bindings/execution.h"

namespace bcl {
namespace {

// Ranges that cover all points, none or more of them each.
void check_groups(const std::vector<int64_t>& offsets, int64_t n) {
  if (offsets.empty()) return;
  if (offsets.front() != 0 || offsets.back() != n || !std::is_sorted(offsets.begin(), offsets.end()))
    throw std::invalid_argument("group_offsets must ascend from 0 to the number of points");
}

template <class T>
py::tuple radius_graph_of(const Array<T>& points, double distance_threshold, const PythonExecution& how,
                          int64_t directions, const std::vector<int64_t>& group_offsets) {
  check_points(points, distance_threshold);
  check_groups(group_offsets, points.shape(0));
  const T* const data = points.data();
  const int64_t n = points.shape(0), d = points.shape(1);
  RadiusGraph graph = carry_out(how, [&](const Execution& execution) {
    RadiusGraph result = radius_graph(data, n, d, distance_threshold, execution, directions, group_offsets);
    execution.tell("done", n, 1);
    return result;
  });
  return py::make_tuple(to_numpy(std::move(graph.offsets)), to_numpy(std::move(graph.neighbors)),
                        to_numpy(std::move(graph.distances)), graph.scale, graph.directions);
}

template <class T>
void define_for(py::module_& m) {
  m.def("radius_graph", &radius_graph_of<T>, py::arg("points").noconvert(), py::arg("distance_threshold"),
        py::arg("execution") = PythonExecution(), py::arg("directions") = -1,
        py::arg("group_offsets") = std::vector<int64_t>(),
        "Pairs of points within a squared distance: (offsets, neighbors, distances, scale, directions of the screen).");
}

}  // namespace

void define_radius_graph(py::module_& m) {
  define_for<float>(m);
  define_for<double>(m);
}

}  // namespace bcl
