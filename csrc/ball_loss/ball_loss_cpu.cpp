// The ball loss of one batch, as a whole.
#include "ball_loss/ball_loss.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

#include "ball_loss/batch_cpu.h"
#include "runtime/parallel.h"

namespace bcl {

void check_ball_loss(int64_t n, int64_t d, int64_t num_classes, const BallLossOptions& options) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (n < 1 || d < 1 || n > kMost)
    throw std::invalid_argument("embeddings must be 1 to 2**31 - 1 of one feature or more, got shape (" +
                                std::to_string(n) + ", " + std::to_string(d) + ")");
  if (num_classes != -1 && (num_classes < 1 || num_classes > kMost))
    throw std::invalid_argument("num_classes must be 1 to 2**31 - 1, or -1 for labels of any value, got " +
                                std::to_string(num_classes));
  if (!(options.alpha >= 0)) throw std::invalid_argument("alpha must be >= 0, got " + std::to_string(options.alpha));
  if (!(options.margin >= 0)) throw std::invalid_argument("margin must be >= 0, got " + std::to_string(options.margin));
}

void check_lists(const CannotLink& cannot_link, int64_t num_classes) {
  if (cannot_link.offsets == nullptr) return;
  if (num_classes < 0) throw std::invalid_argument("cannot_link wants num_classes");
  const int64_t* offsets = cannot_link.offsets;
  for (int64_t c = 0; c < num_classes; ++c)
    if (offsets[c] > offsets[c + 1]) throw std::invalid_argument("cannot_link: offsets must not decrease");
  if (offsets[0] != 0 || offsets[num_classes] != cannot_link.n)
    throw std::invalid_argument("cannot_link: offsets must run from 0 to the number of listed labels, " +
                                std::to_string(cannot_link.n));
  for (int64_t e = 0; e < cannot_link.n; ++e)
    if (cannot_link.labels[e] < 0 || cannot_link.labels[e] >= num_classes)
      throw std::invalid_argument("cannot_link: labels must lie in [0, " + std::to_string(num_classes) + "), got " +
                                  std::to_string(cannot_link.labels[e]) + " at position " + std::to_string(e));
}

template <class T>
BallLossSummary<T> ball_loss_cpu(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t num_classes,
                                 const CannotLink& cannot_link, double raw, const BallLossOptions& options,
                                 T* gradient) {
  check_ball_loss(n, d, num_classes, options);
  check_lists(cannot_link, num_classes);
  BatchCpu<T> batch(embeddings, labels, n, d, number_classes(labels, n, num_classes, cannot_link.offsets != nullptr),
                    cannot_link, raw, options);
  batch.compute_centroids();
  const auto sums = batch.compute_margins();
  if (gradient != nullptr) batch.compute_gradient(gradient);
  return batch.summarize(sums, raw);
}

template <class T>
void ball_loss_backward_cpu(const T* gradient, int64_t n, const T* summary, T factor, int n_threads, T* out,
                            T* raw_out) {
  constexpr int64_t kBlock = 1 << 18;  // below, waking a second thread takes longer than the work
  const int64_t blocks = n_blocks(n, kBlock);
  parallel_for(blocks, n_threads, [&](int64_t b, int) {
    const int64_t first = b * kBlock;
    kernels<T>().scale(out + first, factor, gradient + first, std::min(kBlock, n - first));
  });
  *raw_out = factor * summary[BallLossSummary<T>::kRawGradient];
}

template void ball_loss_backward_cpu(const float*, int64_t, const float*, float, int, float*, float*);
template void ball_loss_backward_cpu(const double*, int64_t, const double*, double, int, double*, double*);
template BallLossSummary<float> ball_loss_cpu(const float*, const int64_t*, int64_t, int64_t, int64_t,
                                              const CannotLink&, double, const BallLossOptions&, float*);
template BallLossSummary<double> ball_loss_cpu(const double*, const int64_t*, int64_t, int64_t, int64_t,
                                               const CannotLink&, double, const BallLossOptions&, double*);

}  // namespace bcl
