// The exact distances of points that a generator of its own makes, as bits: the same program prints the same on every
// processor and from every compiler. With tests/core/simd/test_exact_bits.py.
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <vector>

#include "distance/exact_distances.h"
#include "distance/exact_pairs.h"
#include "distance/exact_tile.h"
#include "linkage/average_linkage.h"
#include "linkage/complete_linkage.h"
#include "radius_graph/radius_graph.h"

namespace {

void print(const char* name, const double* values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    std::memcpy(&bits, values + i, sizeof(bits));
    sum = (sum ^ bits) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 29;
  }
  std::printf("%s %zu %016" PRIx64 "\n", name, count, sum);
}

template <class T>
void print_all(int64_t n, int64_t d) {
  uint64_t state = 7 + d;
  std::vector<T> points(n * d);
  for (T& x : points) {
    state = state * 6364136223846793005 + 1442695040888963407;
    x = static_cast<T>(static_cast<double>(state >> 11) / 9007199254740992.0 - 0.5);
  }
  std::vector<int32_t> all(n);
  for (int64_t i = 0; i < n; ++i) all[i] = static_cast<int32_t>(i);
  std::vector<double> distances(n * n);
  const bcl::ExactDistances<T> exact(points.data(), n, d, static_cast<double>(d) / 6);
  for (int64_t i = 0; i < n; ++i) exact.evaluate(i, all.data(), n, distances.data() + i * n);
  print("evaluate", distances.data(), distances.size());
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) distances[i * n + j] = exact.sequential(i, j);
  print("sequential", distances.data(), distances.size());
  bcl::ExactTile tile;
  tile.measure(points.data(), d, all.data(), bcl::ExactTile::kRows, all.data(), bcl::ExactTile::kColumns);
  print("tile", tile.distances(0), bcl::ExactTile::kRows * bcl::ExactTile::kColumns);
  for (const double threshold : {static_cast<double>(d) / 8, 1e300})
    for (const bool is_average : {false, true}) {
      const bcl::LinkageOptions options{threshold, 500};
      const bcl::Dendrogram dendrogram = is_average ? bcl::average_linkage(points.data(), n, d, options, {})
                                                    : bcl::complete_linkage(points.data(), n, d, options, {});
      std::vector<double> rows;
      for (const bcl::Merge& merge : dendrogram.merges)
        rows.insert(rows.end(), {static_cast<double>(merge.left), static_cast<double>(merge.right), merge.height});
      print(is_average ? "average" : "complete", rows.data(), rows.size());
    }
}

}  // namespace

int main() {
  for (const int64_t d : {1, 3, 16, 63, 300}) {
    print_all<float>(120, d);
    print_all<double>(120, d);
  }
}
