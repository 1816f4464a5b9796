// The pairs of chunks of rows on a CUDA device: buffers, streams and launches.
#include <utility>

#include "cuda/launch.cuh"
#include "cuda/pair_source.h"
#include "screen/pair_mask_kernels.cuh"
#include "screen/tile_bound_kernels.cuh"

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
    if (size > size_) resize(size_ == 0 ? size : size + size / 2);
  }
  // In the order of the stream. Returns where the device has them; what is in the host's pageable memory may go.
  T* copy_from(const T* host, int64_t size, cudaStream_t stream) {
    reserve(size);
    check(cudaMemcpyAsync(values_, host, static_cast<size_t>(size) * sizeof(T), cudaMemcpyHostToDevice, stream));
    return values_;
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

// Of the device that is current when it is made.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

class CudaPairSource : public PairSource {
 public:
  CudaPairSource(const TiledPoints& points, int device)
      : device_(device), given_(points), aligned_(is_aligned<float>(nullptr, points.d)) {
    const OnDevice on_device(device_);
    for (auto& slot : slots_) slot = std::make_unique<Slot>();
    bounds_ = std::make_unique<Bounds>();
    const Stream& stream = bounds_->stream;
    given_.points = points_.copy_from(points.points, points.n * points.d, stream);
    given_.starts = starts_.copy_from(points.starts, points.n, stream);
    given_.tile_offsets = tile_offsets_.copy_from(points.tile_offsets, points.n_tiles + 1, stream);
    if (points.centers != nullptr) {
      given_.centers = centers_.copy_from(points.centers, points.n_tiles * points.d, stream);
      given_.center_products = center_products_.copy_from(points.center_products, points.n, stream);
      given_.errors = errors_.copy_from(points.errors, points.n_tiles, stream);
      given_.spreads = spreads_.copy_from(points.spreads, points.n_tiles, stream);
    }
    check(cudaStreamSynchronize(stream));
  }

  std::vector<uint32_t> near_tiles(int64_t first_tile, int64_t n_tiles, float tau) override {
    const OnDevice on_device(device_);
    const int64_t n_words = near_words(given_.n_tiles), others = given_.n_tiles - first_tile;
    bounds_->from_rows.reserve(n_tiles * others);
    bounds_->to_rows.reserve(n_tiles * others);
    bounds_->near.reserve(n_tiles * n_words);
    const TileBoundArrays a{given_,
                            aligned_,
                            first_tile,
                            n_tiles,
                            n_words,
                            tau,
                            bounds_->from_rows.get(),
                            bounds_->to_rows.get(),
                            bounds_->near.get()};
    launch<ReachKernel, FromRows>(a, bounds_->stream);
    launch<ReachKernel, ToRows>(a, bounds_->stream);
    launch<NearTilesKernel>(a, bounds_->stream);
    std::vector<uint32_t> near(n_tiles * n_words);
    check(
        cudaMemcpyAsync(near.data(), a.near, near.size() * sizeof(uint32_t), cudaMemcpyDeviceToHost, bounds_->stream));
    check(cudaStreamSynchronize(bounds_->stream));
    return near;
  }

  void begin(int slot_number, const TileList& list, float half_tau) override {
    const OnDevice on_device(device_);
    Slot& slot = *slots_[slot_number];
    const std::vector<TileRun> runs = runs_of(list);
    const int64_t n_places = list.n_tiles() * kTilePoints, n_entries = list.offsets.back();
    slot.mask.reserve(n_entries * kTilePoints * kTileWords);
    slot.counts.reserve(n_places);
    slot.offsets.reserve(n_places + 1);
    slot.offsets_on_host.reserve(n_places + 1);
    PairMaskArrays& a = slot.arrays;
    a.given = given_;
    a.aligned = aligned_;
    a.half_tau = half_tau;
    a.first_tile = list.first_tile;
    a.n_places = n_places;
    a.entries = slot.entries.copy_from(list.offsets.data(), list.n_tiles() + 1, slot.stream);
    a.listed = slot.listed.copy_from(list.columns.data(), n_entries, slot.stream);
    a.n_runs = static_cast<int64_t>(runs.size());
    a.runs = slot.runs.copy_from(runs.data(), a.n_runs, slot.stream);
    a.mask = slot.mask.get();
    a.counts = slot.counts.get();
    a.offsets = slot.offsets.get();
    launch<MaskKernel>(a, slot.stream);
    launch<CountKernel>(a, slot.stream);
    launch<ScanKernel>(a, slot.stream);
    check(cudaMemcpyAsync(slot.offsets_on_host.get(), a.offsets, (n_places + 1) * sizeof(int64_t),
                          cudaMemcpyDeviceToHost, slot.stream));
  }

  RowPairs finish(int slot_number) override {
    const OnDevice on_device(device_);
    Slot& slot = *slots_[slot_number];
    PairMaskArrays& a = slot.arrays;
    check(cudaStreamSynchronize(slot.stream));
    const int64_t* const offsets = slot.offsets_on_host.get();
    const int64_t n_pairs = offsets[a.n_places];
    RowPairs pairs;
    pairs.offsets.assign(offsets, offsets + a.n_places + 1);
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
  struct Bounds {
    Buffer<float> from_rows, to_rows;
    Buffer<uint32_t> near;
    Stream stream;
  };

  struct Slot {
    Buffer<uint32_t> mask;
    Buffer<int32_t> counts, columns, listed;
    Buffer<int64_t> offsets, entries;
    Buffer<TileRun> runs;
    Buffer<int64_t, true> offsets_on_host;
    PairMaskArrays arrays{};
    Stream stream;  // is waited for before the buffers go
  };

  const int device_;
  TiledPoints given_;  // on the device
  const bool aligned_;
  Buffer<float> points_, starts_, centers_, center_products_, errors_, spreads_;
  Buffer<int32_t> tile_offsets_;
  std::unique_ptr<Bounds> bounds_;
  std::unique_ptr<Slot> slots_[2];
};

}  // namespace

std::unique_ptr<PairSource> make_cuda_pair_source(const TiledPoints& points, int device) {
  return std::make_unique<CudaPairSource>(points, device);
}

}  // namespace bcl
