// Ball loss and its gradient (Tapaswi et al., ICCV 2019, Eqs. 5-7).
//
//   b = softplus(raw), gamma = 9 b + margin, d(i, k) = |f_i - mu_k|^2, v_i the nearest centroid of another class
//   loss = alpha mean_i relu(d(i, y_i) - b) + mean_i relu(gamma - d(i, v_i))
//
// With a list of classes that cannot be one, v_i is the nearest centroid of those listed for y_i, and a sample without
// any takes no part in the second mean but counts in its n.
//
// Cost O(n k d), or O(n d) and d for each listed class of a sample; the n x k distances are never stored. Every sum
// runs in a fixed order: the same bits for any number of threads. The caller owns all buffers, C-contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace bcl {

template <class T>
struct BatchCpu;

struct BallLossOptions {
  double alpha = 4.0;
  double margin = 0.05;
  // Centroids: s_k / |s_k| on the sphere, else s_k / n_k, with s_k the sum of the n_k embeddings of class k.
  bool sphere = true;
  // Refuse embeddings that are not finite and, on the sphere, classes that sum to zero. Without it a class that sums to
  // zero takes no part, and values that are not finite make the loss NaN.
  bool check_finite = true;
  int n_threads = 0;
  // Scale the embeddings to unit length first (UnitRows); the CPU alone. Else they are taken as they are.
  bool normalize = false;
};

// Which classes push each other away, by label: those of label c are labels[offsets[c] .. offsets[c + 1]). Without
// offsets all classes do.
struct CannotLink {
  const int64_t* offsets = nullptr;  // [num_classes + 1]
  const int64_t* labels = nullptr;   // [n]
  int64_t n = 0;
};

// Scalars of one evaluation; `violated_*` are shares of the samples.
template <class T>
struct BallLossSummary {
  T loss, similar, dissimilar, violated_similar, violated_dissimilar, raw_gradient;
  static constexpr int kRawGradient = 5;  // its place

  void write(T* out /* [6] */) const {
    for (const T value : {loss, similar, dissimilar, violated_similar, violated_dissimilar, raw_gradient})
      *out++ = value;
  }
};

// Throws std::invalid_argument for sizes and options that are none.
void check_ball_loss(int64_t n, int64_t d, int64_t num_classes, const BallLossOptions& options);

// Anything else would be read out of bounds.
void check_lists(const CannotLink& cannot_link, int64_t num_classes);

// labels index [0, num_classes); num_classes < 0 allows any integers, and no list. Classes without samples take no
// part; with one class alone the dissimilar part is 0. gradient [n, d] receives d loss / d embeddings, unless null.
// Throws std::invalid_argument as check_ball_loss, for labels out of range, a list that is not one, and what
// check_finite refuses.
template <class T>
BallLossSummary<T> ball_loss_cpu(const T* embeddings /* [n, d] */, const int64_t* labels /* [n] */, int64_t n,
                                 int64_t d, int64_t num_classes, const CannotLink& cannot_link, double raw,
                                 const BallLossOptions& options, T* gradient);

// The loss of a batch that lies in several processes, and the gradient of the samples of this one: three stages. What a
// stage writes the caller adds up over the processes before the next; every process then has the same numbers.
template <class T>
class BallLossStages {
 public:
  // labels index the k classes of all processes, which go by the same numbers everywhere and have a sample somewhere;
  // of n_total samples n are here, perhaps none. What is given is read until `finish`.
  BallLossStages(const T* embeddings /* [n, d] */, const int64_t* labels /* [n] */, int64_t n, int64_t d, int64_t k,
                 int64_t n_total, const CannotLink& cannot_link, double raw, const BallLossOptions& options);
  ~BallLossStages();

  // sums: of each class the sum of its samples [k, d], then their numbers [k], then the sums of their squares [k].
  void class_sums(T* sums);

  // totals: both parts and the samples that violate each [4]; centroid_gradients [k, d]: dL/dmu_k, unless null. Throws
  // std::invalid_argument for what check_finite refuses, in all processes.
  void margins(const T* sums, double* totals, T* centroid_gradients);

  // gradient [n, d], unless null.
  BallLossSummary<T> finish(const double* totals, const T* centroid_gradients, T* gradient);

 private:
  std::unique_ptr<BatchCpu<T>> batch_;
  const double raw_;
};

// out = factor * gradient, and the same of the summary's raw_gradient. On the threads that computed the gradient:
// beside torch's own, which go on spinning for a while after a product, the next forward pass would find the processors
// taken.
template <class T>
void ball_loss_backward_cpu(const T* gradient /* [n] */, int64_t n, const T* summary /* [6] */, T factor, int n_threads,
                            T* out /* [n] */, T* raw_out /* [1] */);

// The same on a CUDA device, in at most four launches. All pointers are the device's; nothing allocates or waits, so
// that a CUDA graph can capture it. Labels index [0, num_classes); there is no list of classes yet. Nothing is thrown
// for what is found in the values: a label out of range, and with check_finite a class that sums to zero on the sphere,
// make the loss NaN.
//   scratch  // ball_loss_cuda_scratch_bytes<T>(n, d, num_classes) bytes, 16-byte aligned; O(n + num_classes d)
//   summary  // [6] in the order of BallLossSummary
template <class T>
void ball_loss_cuda(const T* embeddings /* [n, d] */, const int64_t* labels /* [n] */, int64_t n, int64_t d,
                    int64_t num_classes, const T* raw /* [1] */, const BallLossOptions& options, void* scratch,
                    T* gradient /* [n, d] or null */, T* summary, int device, void* stream);

template <class T>
size_t ball_loss_cuda_scratch_bytes(int64_t n, int64_t d, int64_t num_classes);

// The stages of BallLossStages on a CUDA device, as the functions above; sums and totals are its. The scratch of a
// batch is that of ball_loss_cuda, and carries what the next stage wants.
template <class T>
struct BallLossShare {
  const T* embeddings;    // [n, d]
  const int64_t* labels;  // [n]
  int64_t n, d, k, n_total;
  const T* raw;  // [1]
  BallLossOptions options;
  void* scratch;
  int device;
  void* stream;
};

template <class T>
void ball_loss_class_sums_cuda(const BallLossShare<T>& share, T* sums);

template <class T>
void ball_loss_margins_cuda(const BallLossShare<T>& share, T* sums, double* totals, T* centroid_gradients);

template <class T>
void ball_loss_finish_cuda(const BallLossShare<T>& share, double* totals, T* centroid_gradients, T* gradient,
                           T* summary);

// As ball_loss_backward_cpu, in one launch.
template <class T>
void ball_loss_backward_cuda(const T* gradient /* [n] */, int64_t n, const T* summary /* [6] */,
                             const T* factor /* [1] */, T* out /* [n] */, T* raw_out /* [1] */, int device,
                             void* stream);

}  // namespace bcl
