// Four launches, or three without a gradient; in stages seven, or five. Nothing else happens on the host.
#include "ball_loss/class_kernels.cuh"
#include "ball_loss/finish_kernels.cuh"
#include "ball_loss/margins_kernel.cuh"
#include "cuda/launch.cuh"

namespace bcl {
namespace {

using namespace cuda;

template <class Tile, class T>
void launch_margins(BallLossArrays<T>& a, cudaStream_t stream) {
  a.n_margin_blocks = MarginsKernel<CudaBlock, T, Tile>::grid(a);
  launch<MarginsKernel, T, Tile>(a, stream);
}

// float64 is for checking gradients: one size of tile will do.
void choose_margins(BallLossArrays<double>& a, cudaStream_t stream) {
  launch_margins<SmallTile<CudaBlock, double>>(a, stream);
}
void choose_margins(BallLossArrays<float>& a, cudaStream_t stream) {
  if (a.n >= kManyRows) return launch_margins<LargeTile<CudaBlock, float>>(a, stream);
  launch_margins<SmallTile<CudaBlock, float>>(a, stream);
}

void check_cuda_sizes(int64_t n, int64_t d, int64_t num_classes) {
  if (n >= int64_t{1} << 30 || d >= int64_t{1} << 31 || num_classes >= int64_t{1} << 31)
    throw std::invalid_argument("on CUDA embeddings must be fewer than 2**30, features and classes fewer than 2**31");
}

template <class T>
BallLossArrays<T> arrays_of(const BallLossShare<T>& share, T* gradient, T* summary) {
  check_cuda_sizes(share.n, share.d, share.k);
  BallLossArrays<T> a = make_arrays(share.embeddings, share.labels, share.n, share.d, share.k, share.raw, share.options,
                                    gradient, summary);
  a.n_total = share.n_total;
  place_scratch(a, share.scratch);
  return a;
}

}  // namespace

template <class T>
size_t ball_loss_cuda_scratch_bytes(int64_t n, int64_t d, int64_t num_classes) {
  BallLossArrays<T> a{};
  a.n = n;
  a.k = num_classes;
  a.d = static_cast<int>(d);
  return place_scratch(a, nullptr);
}

template <class T>
void ball_loss_cuda(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t num_classes, const T* raw,
                    const BallLossOptions& options, void* scratch, T* gradient, T* summary, int device, void* stream) {
  check_cuda_sizes(n, d, num_classes);
  const OnDevice on_device(device);
  const auto on_stream = static_cast<cudaStream_t>(stream);
  BallLossArrays<T> a = make_arrays(embeddings, labels, n, d, num_classes, raw, options, gradient, summary);
  place_scratch(a, scratch);
  launch<CentroidsKernel, T>(a, on_stream);
  choose_margins(a, on_stream);
  if (gradient != nullptr) launch<ThroughSumsKernel, T>(a, on_stream);
  launch<FinishKernel, T>(a, on_stream);
}

template <class T>
void ball_loss_class_sums_cuda(const BallLossShare<T>& share, T* sums) {
  const OnDevice on_device(share.device);
  BallLossArrays<T> a = arrays_of<T>(share, nullptr, nullptr);
  a.class_sums = sums;
  launch<ClassSumsKernel, T>(a, static_cast<cudaStream_t>(share.stream));
}

template <class T>
void ball_loss_margins_cuda(const BallLossShare<T>& share, T* sums, double* totals, T* centroid_gradients) {
  const OnDevice on_device(share.device);
  const auto on_stream = static_cast<cudaStream_t>(share.stream);
  BallLossArrays<T> a = arrays_of<T>(share, nullptr, nullptr);
  a.class_sums = sums;
  a.totals = totals;
  a.centroid_gradients = centroid_gradients;
  launch<SummedCentroidsKernel, T>(a, on_stream);
  choose_margins(a, on_stream);
  launch<MarginTotalsKernel, T>(a, on_stream);
  if (centroid_gradients != nullptr) launch<CentroidGradientsKernel, T>(a, on_stream);
}

template <class T>
void ball_loss_finish_cuda(const BallLossShare<T>& share, double* totals, T* centroid_gradients, T* gradient,
                           T* summary) {
  const OnDevice on_device(share.device);
  const auto on_stream = static_cast<cudaStream_t>(share.stream);
  BallLossArrays<T> a = arrays_of(share, gradient, summary);
  a.totals = totals;
  a.centroid_gradients = centroid_gradients;
  if (gradient != nullptr) launch<ThroughSummedKernel, T>(a, on_stream);
  launch<FinishKernel, T>(a, on_stream);
}

template <class T>
void ball_loss_backward_cuda(const T* gradient, int64_t n, const T* summary, const T* factor, T* out, T* raw_out,
                             int device, void* stream) {
  const OnDevice on_device(device);
  const T* const raw_gradient = summary + BallLossSummary<T>::kRawGradient;
  launch<ScaleKernel, T>(typename ScaleKernel<CudaBlock, T>::Arrays{gradient, n, raw_gradient, factor, out, raw_out},
                         static_cast<cudaStream_t>(stream));
}

#define BCL_INSTANTIATE(T)                                                                                            \
  template size_t ball_loss_cuda_scratch_bytes<T>(int64_t, int64_t, int64_t);                                         \
  template void ball_loss_cuda(const T*, const int64_t*, int64_t, int64_t, int64_t, const T*, const BallLossOptions&, \
                               void*, T*, T*, int, void*);                                                            \
  template void ball_loss_class_sums_cuda(const BallLossShare<T>&, T*);                                               \
  template void ball_loss_margins_cuda(const BallLossShare<T>&, T*, double*, T*);                                     \
  template void ball_loss_finish_cuda(const BallLossShare<T>&, double*, T*, T*, T*);                                  \
  template void ball_loss_backward_cuda(const T*, int64_t, const T*, const T*, T*, T*, int, void*);
BCL_INSTANTIATE(float)
BCL_INSTANTIATE(double)

}  // namespace bcl
