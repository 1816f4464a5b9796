// The ball loss on the CPU. Addresses come from torch tensors; losses/_ball_loss_kernels.py is the only caller.
#include "ball_loss/ball_loss.h"

#include <pybind11/pybind11.h>

#include <string>

#include "bindings/define.h"
#include "bindings/dtype.h"
#include "bindings/gil.h"

namespace bcl {
namespace {

namespace py = pybind11;

void ball_loss(const std::string& dtype, uintptr_t embeddings, uintptr_t labels, int64_t n, int64_t d,
               uintptr_t cannot_link_offsets, uintptr_t cannot_link_labels, int64_t n_cannot_link, double raw,
               uintptr_t workspace, bool with_gradient, int n_threads, int64_t num_classes, double alpha, double margin,
               bool sphere, bool check_finite, bool normalize) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const CannotLink cannot_link{reinterpret_cast<const int64_t*>(cannot_link_offsets),
                                 reinterpret_cast<const int64_t*>(cannot_link_labels), n_cannot_link};
    T* const gradient = reinterpret_cast<T*>(workspace);
    const BallLossSummary<T> s = ball_loss_cpu(
        reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, num_classes,
        cannot_link, raw, BallLossOptions{alpha, margin, sphere, check_finite, n_threads, normalize},
        with_gradient ? gradient : nullptr);
    s.write(with_gradient ? gradient + n * d : gradient);
  });
}

void ball_loss_backward(const std::string& dtype, uintptr_t workspace, int64_t n, double factor, int n_threads,
                        uintptr_t gradient) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ball_loss_backward_cpu(reinterpret_cast<const T*>(workspace), n, static_cast<T>(factor), n_threads,
                           reinterpret_cast<T*>(gradient));
  });
}

}  // namespace

void define_ball_loss(py::module_& m) {
  m.def("ball_loss", &ball_loss, py::call_guard<ReleasedGil>(),
        "Ball loss and gradient of tensors of a dtype, given by address.");
  m.def("ball_loss_backward", &ball_loss_backward, py::call_guard<ReleasedGil>(),
        "A workspace of ball_loss times a factor.");
}

}  // namespace bcl
