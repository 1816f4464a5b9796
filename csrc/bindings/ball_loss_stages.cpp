// The ball loss of a batch in several processes, on the CPU.
#include "bindings/ball_loss_stages.h"

#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "ball_loss/ball_loss.h"
#include "bindings/define.h"
#include "bindings/dtype.h"
#include "bindings/gil.h"

namespace bcl {
namespace {

namespace py = pybind11;

template <class T>
class CpuStages final : public AnyBallLossStages {
 public:
  CpuStages(uintptr_t embeddings, uintptr_t labels, int64_t n, int64_t d, int64_t k, int64_t n_total,
            const CannotLink& cannot_link, double raw, const BallLossOptions& options)
      : stages_(reinterpret_cast<const T*>(embeddings), reinterpret_cast<const int64_t*>(labels), n, d, k, n_total,
                cannot_link, raw, options) {}

  void class_sums(uintptr_t sums) override { stages_.class_sums(reinterpret_cast<T*>(sums)); }

  void margins(uintptr_t sums, uintptr_t totals, uintptr_t centroid_gradients) override {
    stages_.margins(reinterpret_cast<const T*>(sums), reinterpret_cast<double*>(totals),
                    reinterpret_cast<T*>(centroid_gradients));
  }

  void finish(uintptr_t totals, uintptr_t centroid_gradients, uintptr_t gradient, uintptr_t summary) override {
    stages_
        .finish(reinterpret_cast<const double*>(totals), reinterpret_cast<const T*>(centroid_gradients),
                reinterpret_cast<T*>(gradient))
        .write(reinterpret_cast<T*>(summary));
  }

 private:
  BallLossStages<T> stages_;
};

std::unique_ptr<AnyBallLossStages> ball_loss_stages(const std::string& dtype, uintptr_t embeddings, uintptr_t labels,
                                                    int64_t n, int64_t d, int64_t k, int64_t n_total,
                                                    uintptr_t cannot_link_offsets, uintptr_t cannot_link_labels,
                                                    int64_t n_cannot_link, double raw, int n_threads, double alpha,
                                                    double margin, bool sphere, bool check_finite, bool normalize) {
  const CannotLink cannot_link{reinterpret_cast<const int64_t*>(cannot_link_offsets),
                               reinterpret_cast<const int64_t*>(cannot_link_labels), n_cannot_link};
  const BallLossOptions options{alpha, margin, sphere, check_finite, n_threads, normalize};
  return with_type(dtype, [&](auto zero) -> std::unique_ptr<AnyBallLossStages> {
    return std::make_unique<CpuStages<decltype(zero)>>(embeddings, labels, n, d, k, n_total, cannot_link, raw, options);
  });
}

void check_class_lists(uintptr_t offsets, uintptr_t labels, int64_t n, int64_t num_classes) {
  check_lists({reinterpret_cast<const int64_t*>(offsets), reinterpret_cast<const int64_t*>(labels), n}, num_classes);
}

}  // namespace

void define_ball_loss_stages(py::module_& m) {
  const py::call_guard<ReleasedGil> without_gil;
  py::class_<AnyBallLossStages>(m, "BallLossStages", "A share of a batch that lies in several processes.")
      .def("class_sums", &AnyBallLossStages::class_sums, without_gil, py::arg("sums"))
      .def("margins", &AnyBallLossStages::margins, without_gil, py::arg("sums"), py::arg("totals"),
           py::arg("centroid_gradients"))
      .def("finish", &AnyBallLossStages::finish, without_gil, py::arg("totals"), py::arg("centroid_gradients"),
           py::arg("gradient"), py::arg("summary"));
  m.def("ball_loss_stages", &ball_loss_stages, without_gil, "The stages of tensors of a dtype, given by address.");
  m.def("check_class_lists", &check_class_lists, without_gil,
        "ValueError for compressed rows that do not list classes in [0, num_classes) for each of them.");
}

}  // namespace bcl
