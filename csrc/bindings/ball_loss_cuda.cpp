// The CUDA kernels as Python functions; addresses come from torch tensors, and losses/_ball_loss_op.py is the only
// caller.
#include "ball_loss/ball_loss.h"

#include "bindings/define.h"

namespace py = pybind11;

namespace bcl {
namespace {

template <class T>
void ball_loss(uintptr_t embeddings, uintptr_t labels, int64_t n, int64_t d, int64_t num_classes, uintptr_t raw,
               const BallLossOptions& options, uintptr_t scratch, uintptr_t workspace, bool with_gradient, int device,
               uintptr_t stream) {
  T* const gradient = reinterpret_cast<T*>(workspace);
  ball_loss_cuda(reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, num_classes,
                 reinterpret_cast<const T*>(raw), options, reinterpret_cast<void*>(scratch),
                 with_gradient ? gradient : nullptr, with_gradient ? gradient + n * d : gradient, device,
                 reinterpret_cast<void*>(stream));
}

template <class T>
void ball_loss_backward(uintptr_t workspace, int64_t n, uintptr_t factor, uintptr_t gradient, int device,
                        uintptr_t stream) {
  ball_loss_backward_cuda(reinterpret_cast<const T*>(workspace), n, reinterpret_cast<const T*>(factor),
                          reinterpret_cast<T*>(gradient), device, reinterpret_cast<void*>(stream));
}

template <class T>
void define_for(py::module_& m, const std::string& type) {
  const py::call_guard<py::gil_scoped_release> without_gil;
  m.def(("ball_loss_cuda_scratch_bytes_" + type).c_str(), &ball_loss_cuda_scratch_bytes<T>,
        "Bytes of scratch memory for n_samples, n_features, num_classes.");
  m.def(("ball_loss_cuda_" + type).c_str(), &ball_loss<T>, without_gil,
        "Ball loss and gradient of tensors on a CUDA device, given by address.");
  m.def(("ball_loss_backward_cuda_" + type).c_str(), &ball_loss_backward<T>, without_gil,
        "A workspace of ball_loss_cuda times a factor, all on a CUDA device.");
}

}  // namespace

void define_ball_loss_cuda(py::module_& m) {
  define_for<float>(m, "float32");
  define_for<double>(m, "float64");
}

}  // namespace bcl
