// The radius graph and its array checks.
#include "radius_graph/radius_graph.h"

#include "bindings/define.h"
#include "bindings/watch.h"
#include "screen/device_screen.h"

namespace bcl {
namespace {

template <class T>
py::tuple radius_graph(const Array<T>& points, double distance_threshold, int num_threads, const py::object& progress,
                       int64_t directions, int cuda_device) {
  check_points(points, distance_threshold);
  const T* const data = points.data();
  const int64_t n = points.shape(0), d = points.shape(1);
  RadiusGraph graph = watched(progress, "pairs", n, [&](const Watch& watch) {
    return radius_graph_cpu(data, n, d, distance_threshold, num_threads, watch, directions, cuda_device);
  });
  return py::make_tuple(to_numpy(std::move(graph.offsets)), to_numpy(std::move(graph.neighbors)),
                        to_numpy(std::move(graph.distances)), graph.scale, graph.directions);
}

template <class T>
void define_for(py::module_& m) {
  m.def("radius_graph", &radius_graph<T>, py::arg("points").noconvert(), py::arg("distance_threshold"),
        py::arg("n_threads") = 0, py::arg("progress") = py::none(), py::arg("directions") = -1,
        py::arg("cuda_device") = kNoDevice,
        "Pairs of points within a squared distance: (offsets, neighbors, distances, scale, directions of the screen).");
}

}  // namespace

void define_radius_graph(py::module_& m) {
  define_for<float>(m);
  define_for<double>(m);
}

}  // namespace bcl
