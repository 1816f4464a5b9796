#include "distance/identical_points.h"

#include <algorithm>
#include <cstring>

#include "runtime/parallel.h"

namespace bcl {
namespace {

constexpr int64_t kRowsPerTask = 1024;
constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio

template <class T>
uint64_t hash(const T* row, int64_t d) {
  uint64_t sum = 0;
  for (int64_t p = 0; p < d; ++p) {
    const T value = row[p] + T{0};  // -0 equals 0
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(value));
    sum = (sum ^ bits) * kOdd;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace

template <class T>
std::vector<int32_t> first_identical(const T* points, int64_t n, int64_t d, const std::vector<bool>& alone,
                                     int n_threads) {
  std::vector<uint64_t> hashes(n);
  parallel_for((n + kRowsPerTask - 1) / kRowsPerTask, n_threads, [&](int64_t t, int) {
    for (int64_t i = t * kRowsPerTask; i < std::min(n, (t + 1) * kRowsPerTask); ++i)
      hashes[i] = hash(points + i * d, d);
  });
  // Open addressing; at most half of the places are taken.
  uint64_t n_places = 2;
  while (n_places < 2 * static_cast<uint64_t>(n)) n_places *= 2;
  std::vector<int32_t> table(n_places, -1), first(n);
  for (int32_t i = 0; i < n; ++i) {
    first[i] = i;
    if (alone[i]) continue;
    const T* const row = points + i * d;
    for (uint64_t place = hashes[i];; ++place) {
      int32_t& other = table[place & (n_places - 1)];
      if (other < 0) {
        other = i;
        break;
      }
      if (hashes[other] == hashes[i] && std::equal(row, row + d, points + other * d)) {
        first[i] = other;
        break;
      }
    }
  }
  return first;
}

template std::vector<int32_t> first_identical(const float*, int64_t, int64_t, const std::vector<bool>&, int);
template std::vector<int32_t> first_identical(const double*, int64_t, int64_t, const std::vector<bool>&, int);

}  // namespace bcl
