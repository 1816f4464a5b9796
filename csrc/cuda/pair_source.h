// Pairs of points that may be close, as a device lists them: what the screen (screen/device_screen.h) asks of CUDA.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/uninitialized.h"

namespace bcl {

// Row r of a chunk has the columns columns[offsets[r] .. offsets[r + 1]), ascending.
struct RowPairs {
  std::vector<int64_t> offsets;
  UninitializedVector<int32_t> columns;
};

// Points x on a device, with starts of their own: finds the pairs i < j with x_i . x_j + start_j >= -start_i -
// half_tau, give or take the rounding of x to TF32. Two chunks may be under way at once, in slots 0 and 1.
class PairSource {
 public:
  virtual ~PairSource() = default;
  virtual void begin(int slot, int64_t first_row, int64_t n_rows, float half_tau) = 0;
  virtual RowPairs finish(int slot) = 0;
};

// Holds the points on a CUDA device, and room for chunks of rows_per_chunk rows. points is read during the call alone.
// Throws std::invalid_argument in a build without CUDA.
std::unique_ptr<PairSource> make_cuda_pair_source(const float* points /* [n, d] */, const float* starts /* [n] */,
                                                  int64_t n, int64_t d, int64_t rows_per_chunk, int device);

}  // namespace bcl
