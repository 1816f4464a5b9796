// A share of a batch, with sums over processes between the steps.
#include <algorithm>
#include <iterator>
#include <memory>

#include "ball_loss/ball_loss.h"
#include "ball_loss/batch_cpu.h"

namespace bcl {

template <class T>
BallLossStages<T>::BallLossStages(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t k,
                                  int64_t n_total, const CannotLink& cannot_link, double raw,
                                  const BallLossOptions& options)
    : raw_(raw) {
  check_ball_loss(n_total, d, k, options);
  check_lists(cannot_link, k);
  batch_ =
      std::make_unique<BatchCpu<T>>(embeddings, labels, n, d, all_classes(labels, n, k), cannot_link, raw, options);
  batch_->n_total = n_total;
}

template <class T>
BallLossStages<T>::~BallLossStages() = default;

template <class T>
void BallLossStages<T>::class_sums(T* sums) {
  batch_->compute_class_sums(sums);
}

template <class T>
void BallLossStages<T>::margins(const T* sums, double* totals, T* centroid_gradients) {
  batch_->take_centroids(sums);
  const auto found = batch_->compute_margins();
  const double values[] = {found.similar, found.dissimilar, static_cast<double>(found.pulled),
                           static_cast<double>(found.pushed)};
  std::copy(std::begin(values), std::end(values), totals);
  if (centroid_gradients != nullptr) batch_->compute_centroid_gradients(centroid_gradients);
}

template <class T>
BallLossSummary<T> BallLossStages<T>::finish(const double* totals, const T* centroid_gradients, T* gradient) {
  if (gradient != nullptr) batch_->compute_gradient(gradient, centroid_gradients);
  return batch_->summarize({totals[0], totals[1], static_cast<int64_t>(totals[2]), static_cast<int64_t>(totals[3])},
                           raw_);
}

template class BallLossStages<float>;
template class BallLossStages<double>;

}  // namespace bcl
