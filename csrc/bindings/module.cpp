// Checks, casts, releases the GIL, calls: one Python function per kernel.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <memory>
#include <optional>

#include "ball_loss/ball_loss.h"
#include "bindings/ball_loss_cuda.h"
#include "cuda/devices.h"
#include "linkage/assign.h"
#include "linkage/complete_linkage.h"
#include "linkage/nn_chain.h"
#include "radius_graph/radius_graph.h"
#include "runtime/parallel.h"
#include "simd/kernels.h"

namespace py = pybind11;

namespace bcl {
namespace {

template <class T>
using Array = py::array_t<T, py::array::c_style>;

// Asks Python for a pending Ctrl-C and tells `progress` (None: nobody) of the stage, the clusters and the share done:
// at the start of a stage, and at most ten times a second. Only the main thread ever sees a Ctrl-C.
RungWatch python_watch(const py::object& progress) {
  using Clock = std::chrono::steady_clock;
  return [&progress, last = Clock::time_point(), last_stage = static_cast<const char*>(nullptr)](
             const char* stage, int64_t n_clusters, double share) mutable {
    if (stage == last_stage && Clock::now() - last < std::chrono::milliseconds(100)) return false;
    last = Clock::now();
    last_stage = stage;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) return true;
    if (!progress.is_none()) progress(stage, n_clusters, share);
    return false;
  };
}

// Does work of one stage, which takes a Watch, without the GIL.
template <class Work>
auto watched(const py::object& progress, const char* stage, int64_t n_clusters, const Work& work) {
  const RungWatch watch = python_watch(progress);
  const py::gil_scoped_release release;
  tell(watch, stage, n_clusters, 0);
  auto result = work([&](double share) { return watch(stage, n_clusters, share); });
  tell(watch, "done", n_clusters, 1);
  return result;
}

// Moves a vector into a NumPy array without copying.
template <class Vector>
auto to_numpy(Vector&& values) {
  using T = typename Vector::value_type;
  auto owner = std::make_unique<Vector>(std::move(values));
  Vector* raw = owner.get();
  const py::capsule free_when_done(raw, [](void* p) { delete static_cast<Vector*>(p); });
  owner.release();
  return Array<T>(static_cast<py::ssize_t>(raw->size()), raw->data(), free_when_done);
}

template <class T>
void check_points(const Array<T>& points, double distance_threshold) {
  if (points.ndim() != 2) throw std::invalid_argument("points must be 2-D (n_samples, n_features)");
  if (points.shape(0) > std::numeric_limits<int32_t>::max())
    throw std::invalid_argument("points must be fewer than 2**31");
  if (!(distance_threshold >= 0)) throw std::invalid_argument("distance_threshold must be >= 0");
}

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

// Every row's neighbours must be in range: anything else would write out of bounds.
void check_graph(const Array<int64_t>& offsets, const Array<int32_t>& neighbors, const Array<float>& distances) {
  const int64_t n = offsets.size() - 1;
  if (offsets.ndim() != 1 || n < 0 || offsets.at(0) != 0)
    throw std::invalid_argument("offsets must be 1-D and start with 0");
  for (int64_t i = 0; i < n; ++i)
    if (offsets.data()[i + 1] < offsets.data()[i]) throw std::invalid_argument("offsets must not decrease");
  if (neighbors.size() != offsets.data()[n] || distances.size() != neighbors.size())
    throw std::invalid_argument("neighbors and distances must have offsets[-1] entries");
  for (int64_t e = 0; e < neighbors.size(); ++e)
    if (neighbors.data()[e] < 0 || neighbors.data()[e] >= n)
      throw std::invalid_argument("neighbors must lie in [0, n)");
}

// Anything else would write out of bounds.
void check_groups(const Array<int32_t>& groups, int64_t n) {
  if (groups.ndim() != 1 || groups.size() != n) throw std::invalid_argument("groups must have one entry per point");
  int32_t n_groups = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int32_t group = groups.data()[i];
    if (group < 0 || group > n_groups)
      throw std::invalid_argument("groups must be numbered from 0 by first appearance");
    n_groups = std::max(n_groups, group + 1);
  }
}

void check_forbidden_pairs(const Array<int32_t>& pairs, int64_t n) {
  if (pairs.ndim() != 2 || pairs.shape(1) != 2) throw std::invalid_argument("forbidden_pairs must have two columns");
  for (int64_t e = 0; e < pairs.size(); ++e)
    if (pairs.data()[e] < 0 || pairs.data()[e] >= n) throw std::invalid_argument("forbidden_pairs must lie in [0, n)");
}

py::tuple to_python(Dendrogram&& dendrogram, double scale) {
  Array<double> merges({static_cast<py::ssize_t>(dendrogram.merges.size()), py::ssize_t{4}});
  double* row = merges.mutable_data();
  for (const Merge& merge : dendrogram.merges) {
    *row++ = static_cast<double>(merge.left);
    *row++ = static_cast<double>(merge.right);
    *row++ = merge.height * scale;
    *row++ = static_cast<double>(merge.size);
  }
  return py::make_tuple(merges, to_numpy(std::move(dendrogram.labels)));
}

py::tuple linkage(const Array<int64_t>& offsets, Array<int32_t>& neighbors, Array<float>& distances, double scale,
                  const py::object& progress) {
  check_graph(offsets, neighbors, distances);
  const int64_t n = offsets.size() - 1;
  int32_t* const neighbor_data = neighbors.mutable_data();
  float* const distance_data = distances.mutable_data();
  return to_python(watched(progress, "merges", n,
                           [&](const Watch& watch) {
                             return complete_linkage(n, offsets.data(), neighbor_data, distance_data, watch);
                           }),
                   scale);
}

template <class T>
py::tuple linkage_of_points(const Array<T>& points, double distance_threshold, int64_t most_pairs,
                            const std::optional<Array<int32_t>>& groups, const Array<int32_t>& forbidden_pairs,
                            int num_threads, const py::object& progress, bool may_copy, int cuda_device) {
  check_points(points, distance_threshold);
  const int64_t n = points.shape(0), d = points.shape(1);
  if (most_pairs < 1) throw std::invalid_argument("most_pairs must be >= 1");
  if (groups) check_groups(*groups, n);
  check_forbidden_pairs(forbidden_pairs, n);
  RungOptions options{distance_threshold, most_pairs};
  options.groups = groups ? groups->data() : nullptr;
  options.forbidden_pairs = forbidden_pairs.data();
  options.n_forbidden = forbidden_pairs.shape(0);
  options.n_threads = num_threads;
  options.may_copy = may_copy;
  options.cuda_device = cuda_device;
  ScaledDendrogram result;
  {
    const T* data = points.data();
    const RungWatch watch = python_watch(progress);
    const py::gil_scoped_release release;
    result = complete_linkage_of_points(data, n, d, options, watch);
  }
  return to_python(std::move(result.dendrogram), result.scale);
}

template <class T>
py::array admission(const Array<T>& points, int64_t n_new, const Array<int32_t>& clusters, double distance_threshold,
                    int num_threads) {
  check_points(points, distance_threshold);
  const int64_t n = points.shape(0), d = points.shape(1);
  if (n_new < 0 || n_new > n) throw std::invalid_argument("n_new must lie in [0, n]");
  check_groups(clusters, n - n_new);
  const T* const data = points.data();
  return to_numpy(watched(py::none(), "pairs", n, [&](const Watch& watch) {
    return admit(data, n, d, n_new, clusters.data(), distance_threshold, num_threads, watch);
  }));
}

// Addresses come from torch tensors; ops.py is the only caller.
template <class T>
void ball_loss(uintptr_t embeddings, uintptr_t labels, int64_t n, int64_t d, int64_t num_classes,
               uintptr_t cannot_link_offsets, uintptr_t cannot_link_labels, int64_t n_cannot_link, double raw,
               const BallLossOptions& options, uintptr_t workspace, bool with_gradient) {
  const CannotLink cannot_link{reinterpret_cast<const int64_t*>(cannot_link_offsets),
                               reinterpret_cast<const int64_t*>(cannot_link_labels), n_cannot_link};
  T* const gradient = reinterpret_cast<T*>(workspace);
  const BallLossSummary<T> s =
      ball_loss_cpu(reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, num_classes,
                    cannot_link, raw, options, with_gradient ? gradient : nullptr);
  T* summary = with_gradient ? gradient + n * d : gradient;
  for (const T value : {s.loss, s.similar, s.dissimilar, s.violated_similar, s.violated_dissimilar, s.raw_gradient})
    *summary++ = value;
}

template <class T>
void ball_loss_backward(uintptr_t workspace, int64_t n, double factor, int num_threads, uintptr_t gradient) {
  ball_loss_backward_cpu(reinterpret_cast<const T*>(workspace), n, static_cast<T>(factor), num_threads,
                         reinterpret_cast<T*>(gradient));
}

template <class T>
void define_for(py::module_& m) {
  m.def("radius_graph", &radius_graph<T>, py::arg("points").noconvert(), py::arg("distance_threshold"),
        py::arg("num_threads") = 0, py::arg("progress") = py::none(), py::arg("directions") = -1,
        py::arg("cuda_device") = kNoDevice,
        "Pairs of points within a squared distance: (offsets, neighbors, distances, scale, directions of the screen).");
  m.def("linkage_of_points", &linkage_of_points<T>, py::arg("points").noconvert(), py::arg("distance_threshold"),
        py::arg("most_pairs"), py::arg("groups").noconvert(), py::arg("forbidden_pairs").noconvert(),
        py::arg("num_threads") = 0, py::arg("progress") = py::none(), py::arg("may_copy") = true,
        py::arg("cuda_device") = kNoDevice, "Complete linkage of points, rung by rung: (merges, labels).");
  m.def("admit", &admission<T>, py::arg("points").noconvert(), py::arg("n_new"), py::arg("clusters").noconvert(),
        py::arg("distance_threshold"), py::arg("num_threads") = 0,
        "The nearest cluster that each of the first points may join, -1: none.");
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of bcl_fast. Not a public interface.";
  py::register_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const Interrupted&) {
      // PyErr_CheckSignals has set KeyboardInterrupt, or whatever the user's handler raised.
      if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
  });

  m.def("cuda_version", &cuda_version,
        "CUDA runtime version the module was built with (13000 for 13.0), -1 without CUDA.");
  m.def("cuda_device_count", &cuda_device_count, "CUDA devices that there are; RuntimeError says why there is none.");
  m.def("simd_path", [] { return std::string(kernels<float>().name); }, "The instruction set in use.");
  m.def("simd_paths", &simd_paths, "The instruction sets this machine runs, fastest first.");
  m.def("default_threads", &default_threads, "Threads used where the caller does not say.");

  define_for<float>(m);
  define_for<double>(m);
  m.def("complete_linkage", &linkage, py::arg("offsets").noconvert(), py::arg("neighbors").noconvert(),
        py::arg("distances").noconvert(), py::arg("scale"), py::arg("progress") = py::none(),
        "Complete linkage on a radius graph, whose neighbors and distances are overwritten: (merges, labels).");

  py::class_<BallLossOptions>(m, "BallLossOptions")
      .def(py::init([](double alpha, double margin, bool sphere, bool check_finite, int n_threads) {
             return BallLossOptions{alpha, margin, sphere, check_finite, n_threads};
           }),
           py::arg("alpha"), py::arg("margin"), py::arg("sphere"), py::arg("check_finite"), py::arg("num_threads"));
  m.def("ball_loss_float32", &ball_loss<float>, py::call_guard<py::gil_scoped_release>(),
        "Ball loss and gradient of float32 tensors, given by address.");
  m.def("ball_loss_float64", &ball_loss<double>, py::call_guard<py::gil_scoped_release>(),
        "Ball loss and gradient of float64 tensors, given by address.");
  m.def("ball_loss_backward_float32", &ball_loss_backward<float>, py::call_guard<py::gil_scoped_release>(),
        "A workspace of ball_loss_float32 times a factor.");
  m.def("ball_loss_backward_float64", &ball_loss_backward<double>, py::call_guard<py::gil_scoped_release>(),
        "A workspace of ball_loss_float64 times a factor.");
  define_cuda(m);
}

}  // namespace bcl
