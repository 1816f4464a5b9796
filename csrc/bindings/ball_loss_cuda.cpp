// The CUDA kernels as Python functions; addresses come from torch tensors, and losses/_ball_loss_kernels.py and
// _ball_loss_processes.py are the only callers.
#include "ball_loss/ball_loss.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "bindings/ball_loss_stages.h"
#include "bindings/define.h"
#include "bindings/dtype.h"
#include "bindings/gil.h"

namespace bcl {
namespace {

namespace py = pybind11;

size_t scratch_bytes(const std::string& dtype, int64_t n, int64_t d, int64_t num_classes) {
  return with_type(dtype, [&](auto zero) { return ball_loss_cuda_scratch_bytes<decltype(zero)>(n, d, num_classes); });
}

void ball_loss(const std::string& dtype, uintptr_t embeddings, uintptr_t labels, int64_t n, int64_t d, uintptr_t raw,
               uintptr_t scratch, uintptr_t gradient, uintptr_t summary, int device, uintptr_t stream,
               int64_t num_classes, double alpha, double margin, bool sphere, bool check_finite) {
  const BallLossOptions options{alpha, margin, sphere, check_finite};
  check_ball_loss(n, d, num_classes, options);
  if (num_classes < 0) throw std::invalid_argument("on CUDA labels must be numbered: num_classes must be >= 1, got -1");
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ball_loss_cuda(reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, num_classes,
                   reinterpret_cast<const T*>(raw), options, reinterpret_cast<void*>(scratch),
                   reinterpret_cast<T*>(gradient), reinterpret_cast<T*>(summary), device,
                   reinterpret_cast<void*>(stream));
  });
}

void ball_loss_backward(const std::string& dtype, uintptr_t gradient, int64_t n, uintptr_t summary, uintptr_t factor,
                        uintptr_t out, uintptr_t raw_out, int device, uintptr_t stream) {
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    ball_loss_backward_cuda(reinterpret_cast<const T*>(gradient), n, reinterpret_cast<const T*>(summary),
                            reinterpret_cast<const T*>(factor), reinterpret_cast<T*>(out),
                            reinterpret_cast<T*>(raw_out), device, reinterpret_cast<void*>(stream));
  });
}

template <class T>
class CudaStages final : public AnyBallLossStages {
 public:
  explicit CudaStages(const BallLossShare<T>& share) : share_(share) {
    check_ball_loss(share.n_total, share.d, share.k, share.options);
  }

  void class_sums(uintptr_t sums) override { ball_loss_class_sums_cuda(share_, reinterpret_cast<T*>(sums)); }

  void margins(uintptr_t sums, uintptr_t totals, uintptr_t centroid_gradients) override {
    ball_loss_margins_cuda(share_, reinterpret_cast<T*>(sums), reinterpret_cast<double*>(totals),
                           reinterpret_cast<T*>(centroid_gradients));
  }

  void finish(uintptr_t totals, uintptr_t centroid_gradients, uintptr_t gradient, uintptr_t summary) override {
    ball_loss_finish_cuda(share_, reinterpret_cast<double*>(totals), reinterpret_cast<T*>(centroid_gradients),
                          reinterpret_cast<T*>(gradient), reinterpret_cast<T*>(summary));
  }

 private:
  const BallLossShare<T> share_;
};

std::unique_ptr<AnyBallLossStages> ball_loss_stages(const std::string& dtype, uintptr_t embeddings, uintptr_t labels,
                                                    int64_t n, int64_t d, int64_t k, int64_t n_total, uintptr_t raw,
                                                    uintptr_t scratch, int device, uintptr_t stream, double alpha,
                                                    double margin, bool sphere, bool check_finite) {
  const BallLossOptions options{alpha, margin, sphere, check_finite};
  return with_type(dtype, [&](auto zero) -> std::unique_ptr<AnyBallLossStages> {
    using T = decltype(zero);
    return std::make_unique<CudaStages<T>>(
        BallLossShare<T>{reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, k,
                         n_total, reinterpret_cast<const T*>(raw), options, reinterpret_cast<void*>(scratch), device,
                         reinterpret_cast<void*>(stream)});
  });
}

}  // namespace

void define_ball_loss_cuda(py::module_& m) {
  const py::call_guard<ReleasedGil> without_gil;
  m.def("ball_loss_cuda_scratch_bytes", &scratch_bytes,
        "Bytes of scratch memory for a dtype, n_samples, n_features, num_classes.");
  m.def("ball_loss_cuda", &ball_loss, without_gil,
        "As ball_loss, of tensors on a CUDA device; the loss is the first number of the summary alone.");
  m.def("ball_loss_stages_cuda", &ball_loss_stages, without_gil,
        "The stages of ball_loss_stages on a CUDA device; the scratch memory is that of ball_loss_cuda.");
  m.def("ball_loss_backward_cuda", &ball_loss_backward, without_gil,
        "As ball_loss_backward, of tensors on a CUDA device.");
}

}  // namespace bcl
