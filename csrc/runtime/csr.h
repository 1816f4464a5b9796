// Compressed rows: row r of a list of rows holds the places [offsets[r], offsets[r + 1]) of one or more columns.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

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

}  // namespace bcl
