// The inner loops of the path that BCL_SIMD names beside loops that anyone can check. Prints the path, or what differs
// and fails. With tests/core/simd/test_plain_twin.py.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "simd/byte_kernels.h"
#include "simd/kernels.h"

namespace {

uint64_t state = 1;
int64_t random(int64_t first, int64_t last) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return first + static_cast<int64_t>((state >> 33) % static_cast<uint64_t>(last - first + 1));
}

void expect(bool right, const std::string& what, int64_t depth, int64_t m, int64_t n) {
  if (right) return;
  std::printf("%s differs, depth %d, %d rows, %d columns\n", what.c_str(), int(depth), int(m), int(n));
  std::exit(1);
}

// Rows and columns whose products, with what is added, fit into the sums of the instruction set.
struct Problem {
  int64_t depth, m, n, n_tiles, row_words;
  std::vector<int32_t> rows;  // as numbers
  std::vector<int8_t> columns;
  std::vector<int32_t> start, own;
  std::vector<uint32_t> words;
  std::vector<int8_t> tiles;
  std::vector<int32_t> packed_starts, packed_own;

  int32_t sum(int64_t r, int64_t c) const {
    int32_t total = start[c];
    for (int64_t p = 0; p < depth; ++p) total += rows[r * depth + p] * columns[c * depth + p];
    return total;
  }
};

enum class Bytes { kSmall, kSumsThatWrap };

void fill(Problem& problem, Bytes bytes) {
  const bcl::ScreenKernels& math = bcl::screen_kernels();
  const int64_t depth = problem.depth;
  if (bytes == Bytes::kSmall) {
    const auto most = std::min<int64_t>(127, std::sqrt(std::min(math.largest_sum / depth, int64_t{16000}) / 2));
    for (int32_t& x : problem.rows) x = static_cast<int32_t>(random(math.signed_rows ? -most : 0, most));
    for (int8_t& x : problem.columns) x = static_cast<int8_t>(random(-most, most));
    return;
  }
  // 11,000 more for each feature of the first half, 11,000 less for each of the second: at the end little is left.
  for (int64_t i = 0; i < problem.m * depth; ++i) problem.rows[i] = 100 + static_cast<int32_t>(random(0, 1));
  for (int64_t c = 0; c < problem.n; ++c)
    for (int64_t p = 0; p < depth; ++p)
      problem.columns[c * depth + p] = static_cast<int8_t>(2 * p < depth ? 110 : -110);
}

Problem make(int64_t depth, int64_t m, int64_t n, Bytes bytes) {
  const bcl::ScreenKernels& math = bcl::screen_kernels();
  const int64_t n_tiles = (n + math.tile_columns - 1) / math.tile_columns, row_words = depth / math.features_per_word;
  const int64_t room = n_tiles * math.tile_columns;
  Problem problem{depth,
                  m,
                  n,
                  n_tiles,
                  row_words,
                  std::vector<int32_t>(m * depth),
                  std::vector<int8_t>(n * depth),
                  std::vector<int32_t>(n),
                  std::vector<int32_t>(room),
                  std::vector<uint32_t>(m * row_words),
                  std::vector<int8_t>(room * depth),
                  std::vector<int32_t>(room),
                  std::vector<int32_t>(room)};
  fill(problem, bytes);
  for (int32_t& start : problem.start)
    start = static_cast<int32_t>(random(-math.largest_sum / 4, math.largest_sum / 4));
  for (int64_t c = 0; c < n; ++c)  // differences leave the range of 16 bits
    problem.own[c] = static_cast<int32_t>(random(-math.largest_sum, math.largest_sum));
  std::vector<uint8_t> row(depth);
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t p = 0; p < depth; ++p) row[p] = static_cast<uint8_t>(problem.rows[r * depth + p]);
    math.pack_row(row.data(), depth, &problem.words[r * row_words]);
  }
  math.pack(problem.columns.data(), problem.start.data(), n, n_tiles, depth, problem.tiles.data(),
            problem.packed_starts.data());
  math.pack_starts(problem.own.data(), n_tiles, problem.packed_own.data());
  return problem;
}

void check_select(const Problem& problem, const std::string& what) {
  const bcl::ScreenKernels& math = bcl::screen_kernels();
  std::vector<int32_t> limits(problem.m);
  for (int64_t r = 0; r < problem.m; ++r) {  // exactly at a sum, one above, and at both ends
    const int32_t near = problem.sum(r, random(0, problem.n - 1)) + static_cast<int32_t>(r % 2);
    const int32_t wanted[] = {near, near, near, -math.largest_sum, math.largest_sum};
    limits[r] = std::clamp(wanted[r % 5], -math.largest_sum, math.largest_sum);
  }
  const int64_t masks_ld = (problem.n_tiles * math.tile_columns + 63) / 64;
  std::vector<uint64_t> masks(problem.m * masks_ld, 0);
  math.select(problem.words.data(), limits.data(), problem.m, problem.tiles.data(), problem.packed_starts.data(),
              problem.n_tiles, problem.depth, masks.data(), masks_ld);
  for (int64_t r = 0; r < problem.m; ++r)
    for (int64_t c = 0; c < 64 * masks_ld; ++c) {
      const bool wanted = c < problem.n && problem.sum(r, c) >= limits[r];
      const bool found = (masks[r * masks_ld + c / 64] >> c % 64 & 1) != 0;
      expect(found == wanted, what, problem.depth, problem.m, problem.n);
    }
}

void check_reach(const Problem& problem) {
  const bcl::ScreenKernels& math = bcl::screen_kernels();
  std::vector<int32_t> largest(problem.m);
  math.reach(problem.words.data(), problem.m, problem.tiles.data(), problem.packed_starts.data(),
             problem.packed_own.data(), problem.n_tiles, problem.depth, largest.data());
  for (int64_t r = 0; r < problem.m; ++r) {
    int32_t wanted = std::numeric_limits<int32_t>::min();
    for (int64_t c = 0; c < problem.n; ++c) wanted = std::max(wanted, problem.sum(r, c) - problem.own[c]);
    const bool right = wanted > math.largest_sum    ? largest[r] >= math.largest_sum
                       : wanted < -math.largest_sum ? largest[r] >= wanted
                                                    : largest[r] == wanted;
    expect(right, "reach", problem.depth, problem.m, problem.n);
  }
}

// One feature of all columns written anew.
void check_set_feature(Problem problem) {
  const bcl::ScreenKernels& math = bcl::screen_kernels();
  const int64_t p = random(0, problem.depth - 1);
  std::vector<int8_t> values(problem.n_tiles * math.tile_columns, 0);
  for (int64_t c = 0; c < problem.n; ++c) {
    std::swap(values[c], problem.columns[c * problem.depth + p]);
    problem.columns[c * problem.depth + p] = values[c] = static_cast<int8_t>(values[c] / 2);
  }
  math.set_feature(values.data(), problem.n_tiles, p, problem.depth, problem.tiles.data());
  check_select(problem, "set_feature");
}

void check_keep_near(int64_t depth, int64_t n) {
  std::vector<int8_t> x(depth), rows(n * depth);
  const bool extreme = random(0, 1) == 0;  // sums of two products leave 16 bits
  for (int8_t& v : x) v = static_cast<int8_t>(extreme ? -128 : random(-128, 127));
  for (int64_t c = 0; c < n; ++c)
    for (int64_t p = 0; p < depth; ++p)
      rows[c * depth + p] = static_cast<int8_t>(c % 2 == 0 ? -128 : random(-128, 127));
  std::vector<int32_t> start(n), sums(n), columns, wanted;
  for (int64_t c = 0; c < n; ++c) {
    sums[c] = start[c] = static_cast<int32_t>(random(-100000, 100000));
    for (int64_t p = 0; p < depth; ++p) sums[c] += x[p] * rows[c * depth + p];
  }
  const int32_t limit = sums[n / 2];
  for (int64_t c = 0; c < n; ++c) {
    if (random(0, 3) == 0) continue;
    columns.push_back(static_cast<int32_t>(c));
    if (sums[c] >= limit) wanted.push_back(static_cast<int32_t>(c));
  }
  const int64_t kept = bcl::screen_kernels().keep_near(x.data(), rows.data(), start.data(), limit, depth,
                                                       columns.data(), static_cast<int64_t>(columns.size()));
  columns.resize(kept);
  expect(columns == wanted, "keep_near", depth, 1, n);
}

template <class T>
void check_selection(int64_t n) {
  const bcl::Kernels<T>& math = bcl::kernels<T>();
  const int64_t room = (n + math.panel_width - 1) / math.panel_width * math.panel_width;
  std::vector<T> row(room, -std::numeric_limits<T>::infinity());
  for (int64_t c = 0; c < n; ++c)
    row[c] = random(0, 20) == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(random(-40, 40));
  std::vector<int32_t> found(n), wanted;
  for (int64_t c = 0; c < n; ++c)
    if (row[c] >= T(30)) wanted.push_back(static_cast<int32_t>(7 + c));
  found.resize(math.select_at_least(row.data(), n, T(30), 7, found.data()));
  expect(found == wanted, "select_at_least", 0, 1, n);
  for (T& x : row)
    if (x != x) x = 0;
  T best = -100;
  int32_t best_column = -1;
  math.update_best(row.data(), room, 1, room, 7, &best, &best_column);
  const auto top = std::max_element(row.begin(), row.end());
  expect(best == *top && best_column == 7 + (top - row.begin()), "update_best", 0, 1, n);
}

template <class T>
void check_scores(int64_t m, int64_t n, int64_t d) {
  const bcl::Kernels<T>& math = bcl::kernels<T>();
  const int64_t width = math.panel_width, n_panels = (n + width - 1) / width, ld = n_panels * width;
  std::vector<T> rows(m * d), columns(n * d), start(ld, T(1)), panels(ld * d), scores(m * ld);
  for (T& x : rows) x = static_cast<T>(random(-50, 50));  // sums of whole numbers are exact
  for (T& x : columns) x = static_cast<T>(random(-50, 50));
  for (int64_t j = 0; j < n_panels; ++j)
    math.pack_panel(&columns[j * width * d], d, std::min(width, n - j * width), d, &panels[j * d * width]);
  math.scores(rows.data(), d, m, panels.data(), start.data(), n_panels, d, scores.data(), ld);
  for (int64_t r = 0; r < m; ++r)
    for (int64_t c = 0; c < n; ++c) {
      T product = 0, square = 0;
      for (int64_t p = 0; p < d; ++p) {
        const T x = rows[r * d + p], y = columns[c * d + p];
        product += x * y;
        square += (x - y) * (x - y);
      }
      expect(scores[r * ld + c] == 1 + product, "scores", d, m, n);
      expect(math.dot(&rows[r * d], &columns[c * d], d) == product, "dot", d, m, n);
      expect(math.squared_distance(&rows[r * d], &columns[c * d], d) == square, "squared_distance", d, m, n);
    }
}

}  // namespace

int main() {
  for (const int64_t depth : {4, 8, 12, 16, 20, 24, 28, 36, 64, 68})
    for (const int64_t m : {1, 2, 7, 8, 9, 19})
      for (const int64_t n : {1, 8, 63, 64, 100})
        for (const Bytes bytes : {Bytes::kSmall, Bytes::kSumsThatWrap}) {
          if (bytes == Bytes::kSumsThatWrap && depth % 8 != 0) continue;  // halves of pairs
          const Problem problem = make(depth, m, n, bytes);
          check_select(problem, "select");
          check_reach(problem);
          if (bytes == Bytes::kSmall) check_set_feature(problem);
        }
  for (const int64_t depth : {16, 32, 48, 64})
    for (const int64_t n : {1, 5, 5, 5, 200, 200, 200}) check_keep_near(depth, n);
  for (const int64_t n : {1, 8, 31, 32, 33, 200}) {
    check_selection<float>(n);
    check_selection<double>(n);
  }
  for (const int64_t m : {1, 5, 17})
    for (const int64_t d : {1, 15, 16, 33}) {
      check_scores<float>(m, 21, d);
      check_scores<double>(m, 21, d);
    }
  std::printf("%s\n", bcl::kernels<float>().name);
}
