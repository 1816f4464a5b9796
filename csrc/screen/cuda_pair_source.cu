// The pairs of chunks of rows on a CUDA device: buffers, streams and launches.
#include <utility>

#include "cuda/launch.cuh"
#include "cuda/pair_source.h"
#include "screen/pair_mask_kernels.cuh"

namespace bcl {
namespace {

using namespace cuda;

// Device memory, or page-locked host memory that copies go to while the host goes on.
template <class T, bool on_host = false>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { free(); }

  // What was in it is lost.
  void resize(int64_t size) {
    free();
    const size_t bytes = static_cast<size_t>(size) * sizeof(T);
    const cudaError_t error = on_host ? cudaMallocHost(&values_, bytes) : cudaMalloc(&values_, bytes);
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      throw std::runtime_error("the CUDA device has no room for " + std::to_string(bytes) +
                               " bytes more of points or pairs");
    }
    check(error);
    size_ = size;
  }
  void reserve(int64_t size) {
    if (size > size_) resize(size + size / 2);
  }
  T* get() const { return values_; }

 private:
  void free() {
    if (values_ != nullptr) on_host ? cudaFreeHost(values_) : cudaFree(values_);
    values_ = nullptr;
    size_ = 0;
  }

  T* values_ = nullptr;
  int64_t size_ = 0;
};

class CudaPairSource : public PairSource {
 public:
  CudaPairSource(const float* points, const float* starts, int64_t n, int64_t d, int64_t rows_per_chunk, int device)
      : device_(device) {
    const OnDevice on_device(device_);
    points_.resize(n * d);
    starts_.resize(n);
    check(cudaMemcpy(points_.get(), points, n * d * sizeof(float), cudaMemcpyHostToDevice));
    check(cudaMemcpy(starts_.get(), starts, n * sizeof(float), cudaMemcpyHostToDevice));
    const int64_t rows = std::min(n, rows_per_chunk);
    for (Slot& slot : slots_) {
      check(cudaStreamCreateWithFlags(&slot.stream, cudaStreamNonBlocking));
      slot.mask.resize(rows * mask_words(n));
      slot.counts.resize(rows);
      slot.offsets.resize(rows + 1);
      slot.offsets_on_host.resize(rows + 1);
      slot.arrays = make_pair_arrays(points_.get(), starts_.get(), n, d);
      place_chunk(slot.arrays, slot.mask.get(), slot.counts.get(), slot.offsets.get());
    }
  }

  void begin(int slot_number, int64_t first_row, int64_t n_rows, float half_tau) override {
    const OnDevice on_device(device_);
    Slot& slot = slots_[slot_number];
    PairMaskArrays& a = slot.arrays;
    set_chunk(a, first_row, n_rows);
    a.half_tau = half_tau;
    launch<MaskKernel>(a, slot.stream);
    launch<CountKernel>(a, slot.stream);
    launch<ScanKernel>(a, slot.stream);
    check(cudaMemcpyAsync(slot.offsets_on_host.get(), a.offsets, (n_rows + 1) * sizeof(int64_t), cudaMemcpyDeviceToHost,
                          slot.stream));
  }

  RowPairs finish(int slot_number) override {
    const OnDevice on_device(device_);
    Slot& slot = slots_[slot_number];
    PairMaskArrays& a = slot.arrays;
    check(cudaStreamSynchronize(slot.stream));
    const int64_t* const offsets = slot.offsets_on_host.get();
    const int64_t n_pairs = offsets[a.n_rows];
    RowPairs pairs;
    pairs.offsets.assign(offsets, offsets + a.n_rows + 1);
    pairs.columns.resize(n_pairs);
    if (n_pairs == 0) return pairs;
    slot.columns.reserve(n_pairs);
    a.columns = slot.columns.get();
    launch<FillKernel>(a, slot.stream);
    check(cudaMemcpyAsync(pairs.columns.data(), a.columns, n_pairs * sizeof(int32_t), cudaMemcpyDeviceToHost,
                          slot.stream));
    check(cudaStreamSynchronize(slot.stream));
    return pairs;
  }

 private:
  struct Slot {
    ~Slot() {
      if (stream == nullptr) return;
      cudaStreamSynchronize(stream);
      cudaStreamDestroy(stream);
    }

    cudaStream_t stream = nullptr;
    Buffer<uint32_t> mask;
    Buffer<int32_t> counts, columns;
    Buffer<int64_t> offsets;
    Buffer<int64_t, true> offsets_on_host;
    PairMaskArrays arrays{};
  };

  const int device_;
  Buffer<float> points_, starts_;
  Slot slots_[2];
};

}  // namespace

std::unique_ptr<PairSource> make_cuda_pair_source(const float* points, const float* starts, int64_t n, int64_t d,
                                                  int64_t rows_per_chunk, int device) {
  return std::make_unique<CudaPairSource>(points, starts, n, d, rows_per_chunk, device);
}

}  // namespace bcl
