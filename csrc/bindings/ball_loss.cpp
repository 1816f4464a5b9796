// The ball loss on the CPU. Addresses come from torch tensors; losses/_ball_loss_op.py is the only caller.
#include "ball_loss/ball_loss.h"

#include <pybind11/pybind11.h>

#include "bindings/define.h"

namespace bcl {
namespace {

namespace py = pybind11;

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
void ball_loss_backward(uintptr_t workspace, int64_t n, double factor, int n_threads, uintptr_t gradient) {
  ball_loss_backward_cpu(reinterpret_cast<const T*>(workspace), n, static_cast<T>(factor), n_threads,
                         reinterpret_cast<T*>(gradient));
}

}  // namespace

void define_ball_loss(py::module_& m) {
  py::class_<BallLossOptions>(m, "BallLossOptions")
      .def(py::init([](double alpha, double margin, bool sphere, bool check_finite, int n_threads) {
             return BallLossOptions{alpha, margin, sphere, check_finite, n_threads};
           }),
           py::arg("alpha"), py::arg("margin"), py::arg("sphere"), py::arg("check_finite"), py::arg("n_threads"));
  m.def("ball_loss_float32", &ball_loss<float>, py::call_guard<py::gil_scoped_release>(),
        "Ball loss and gradient of float32 tensors, given by address.");
  m.def("ball_loss_float64", &ball_loss<double>, py::call_guard<py::gil_scoped_release>(),
        "Ball loss and gradient of float64 tensors, given by address.");
  m.def("ball_loss_backward_float32", &ball_loss_backward<float>, py::call_guard<py::gil_scoped_release>(),
        "A workspace of ball_loss_float32 times a factor.");
  m.def("ball_loss_backward_float64", &ball_loss_backward<double>, py::call_guard<py::gil_scoped_release>(),
        "A workspace of ball_loss_float64 times a factor.");
}

}  // namespace bcl
