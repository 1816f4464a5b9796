// Compressed rows: row r of a list of rows holds the places [offsets[r], offsets[r + 1]) of one or more columns.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "runtime/execution.h"

namespace bcl {

// Sorts entries by row, by counting; those of a row stay in the order they come in. for_each_entry(entry) calls
// entry(row, value...) once per entry, 0 <= row < n_rows, with a value per column; it is called twice and must say the
// same both times. offsets [n_rows + 1] and columns [number of entries] are written anew.
template <class Offset, class ForEachEntry, class... Columns>
void sort_into_rows(int64_t n_rows, const ForEachEntry& for_each_entry, std::vector<Offset>& offsets,
                    Columns&... columns) {
  offsets.assign(n_rows + 1, 0);
  for_each_entry([&](int64_t row, const auto&...) { ++offsets[row + 1]; });
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  (columns.resize(offsets[n_rows]), ...);
  std::vector<Offset> next(offsets.begin(), offsets.end() - 1);
  for_each_entry([&](int64_t row, const auto&... values) {
    const Offset place = next[row]++;
    ((columns[place] = values), ...);
  });
}

// Calls work(first, last) for ranges of [0, n), one for each thread, but none of hardly any.
template <class Work>
void parallel_for_ranges(int64_t n, const Execution& execution, const Work& work) {
  constexpr int64_t kFewest = 4096;
  const int64_t n_ranges = resolve_threads(execution, (n + kFewest - 1) / kFewest);
  parallel_for(n_ranges, execution, [&](int64_t t, int) { work(t * n / n_ranges, (t + 1) * n / n_ranges); });
}

// The same on all threads: each has a range of the rows, and looks at all entries for those that are its own.
template <class Offset, class ForEachEntry, class... Columns>
void sort_into_rows(int64_t n_rows, const ForEachEntry& for_each_entry, const Execution& execution,
                    std::vector<Offset>& offsets, Columns&... columns) {
  offsets.assign(n_rows + 1, 0);
  parallel_for_ranges(n_rows, execution, [&](int64_t first, int64_t last) {
    for_each_entry([&](int64_t row, const auto&...) {
      if (first <= row && row < last) ++offsets[row + 1];
    });
  });
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  (columns.resize(offsets[n_rows]), ...);
  parallel_for_ranges(n_rows, execution, [&](int64_t first, int64_t last) {
    std::vector<Offset> next(offsets.begin() + first, offsets.begin() + last);
    for_each_entry([&](int64_t row, const auto&... values) {
      if (row < first || row >= last) return;
      const Offset place = next[row - first]++;
      ((columns[place] = values), ...);
    });
  });
}

}  // namespace bcl
