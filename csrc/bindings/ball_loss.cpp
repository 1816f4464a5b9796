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
               uintptr_t gradient, uintptr_t loss, uintptr_t summary, int n_threads, int64_t num_classes, double alpha,
               double margin, bool sphere, bool check_finite, bool normalize) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    const CannotLink cannot_link{reinterpret_cast<const int64_t*>(cannot_link_offsets),
                                 reinterpret_cast<const int64_t*>(cannot_link_labels), n_cannot_link};
    const BallLossSummary<T> found = ball_loss_cpu(
        reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, num_classes,
        cannot_link, raw, BallLossOptions{alpha, margin, sphere, check_finite, n_threads, normalize},
        reinterpret_cast<T*>(gradient));
    found.write(reinterpret_cast<T*>(summary));
    *reinterpret_cast<T*>(loss) = found.loss;
  });
}

void ball_loss_backward(const std::string& dtype, uintptr_t gradient, int64_t n, uintptr_t summary, double factor,
                        int n_threads, uintptr_t out, uintptr_t raw_out) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ball_loss_backward_cpu(reinterpret_cast<const T*>(gradient), n, reinterpret_cast<const T*>(summary),
                           static_cast<T>(factor), n_threads, reinterpret_cast<T*>(out), reinterpret_cast<T*>(raw_out));
  });
}

}  // namespace

void define_ball_loss(py::module_& m) {
  m.def("ball_loss", &ball_loss, py::call_guard<ReleasedGil>(),
        "Loss, summary and, unless its address is 0, gradient of tensors of a dtype, given by address.");
  m.def("ball_loss_backward", &ball_loss_backward, py::call_guard<ReleasedGil>(),
        "The gradients that ball_loss found, by embeddings and by raw radius, times a factor.");
}

}  // namespace bcl
