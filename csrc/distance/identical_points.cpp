#include "distance/identical_points.h"

#include <algorithm>
#include <cstring>

#include "runtime/first_equal.h"

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 1024;

template <class T>
uint64_t hash(const T* row, int64_t d) {
  uint64_t sum = 0;
  for (int64_t p = 0; p < d; ++p) {
    const T value = row[p] + T{0};  // -0 equals 0
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(value));
    sum = (sum ^ bits) * kGoldenRatio;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace

template <class T>
std::vector<uint64_t> row_hashes(const T* points, int64_t n, int64_t d, const Execution& execution) {
  std::vector<uint64_t> hashes(n);
  parallel_for((n + kRowsPerTask - 1) / kRowsPerTask, execution, [&](int64_t t, int) {
    for (int64_t i = t * kRowsPerTask; i < std::min(n, (t + 1) * kRowsPerTask); ++i)
      hashes[i] = hash(points + i * d, d);
  });
  return hashes;
}

template <class T>
std::vector<int32_t> first_identical(const T* points, int64_t n, int64_t d, const std::vector<bool>& alone,
                                     const Execution& execution) {
  const std::vector<uint64_t> hashes = row_hashes(points, n, d, execution);
  FirstEqual distinct(n);
  std::vector<int32_t> first(n);
  for (int32_t i = 0; i < n; ++i) {
    const T* const row = points + i * d;
    const auto equals = [&](int32_t j) { return hashes[j] == hashes[i] && std::equal(row, row + d, points + j * d); };
    first[i] = alone[i] ? i : distinct.find_or_add(i, hashes[i], equals);
  }
  return first;
}

template std::vector<uint64_t> row_hashes(const float*, int64_t, int64_t, const Execution&);
template std::vector<uint64_t> row_hashes(const double*, int64_t, int64_t, const Execution&);
template std::vector<int32_t> first_identical(const float*, int64_t, int64_t, const std::vector<bool>&,
                                              const Execution&);
template std::vector<int32_t> first_identical(const double*, int64_t, int64_t, const std::vector<bool>&,
                                              const Execution&);

}  // namespace bcl
