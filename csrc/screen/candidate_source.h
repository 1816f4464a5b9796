// Candidates among all pairs: every pair within a distance threshold, and few others, without evaluating most.
//
// Exact: a source rejects only what a rigorous bound proves to lie beyond the threshold, so whoever evaluates its
// candidates misses none. Four sources keep this promise: FloatScreen, LeadingScreen, BlockScreen, DeviceScreen;
// choose_screen.h picks one. See README.md.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include "runtime/parallel.h"

namespace bcl {

// Rows of a walk at most. So many at once, because a column that is fetched for one row's candidate serves the others'.
constexpr int64_t kScreenRows = 192;

// Of a walk: the rows [first, last), and where the columns begin that they are asked about.
struct WalkedRows {
  int64_t first, last;
  int64_t first_column = 0;
};

class CandidateSource {
 public:
  using Found = std::function<void(int64_t row, const int32_t* columns, int64_t count)>;

  virtual ~CandidateSource() = default;

  // Calls found(i, columns, count) with ascending columns j > i from the first column on that may lie within
  // distance_threshold (at most the largest that the source was made for) of row i, for at most rows_per_walk() rows,
  // block of columns by block of columns. Each call brings one or more. Called by any thread of the Execution that the
  // source was made for, and told which one; walks of several threads may run at once.
  virtual void walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) = 0;

  // Rows of a walk at most.
  virtual int64_t rows_per_walk() const { return kScreenRows; }

  // That all pairs are asked about first, 0: no such question.
  virtual int64_t directions() const { return 0; }
};

// Passes on the columns that a walk asks about: its first block of columns holds some before them.
inline CandidateSource::Found asked_about(const WalkedRows& rows, const CandidateSource::Found& found) {
  return [first_column = rows.first_column, &found](int64_t i, const int32_t* columns, int64_t count) {
    const auto first = static_cast<int32_t>(std::max(i + 1, first_column));
    const int32_t* const end = columns + count;
    const int32_t* const begin = columns[0] >= first ? columns : std::lower_bound(columns, end, first);
    if (begin < end) found(i, begin, end - begin);
  };
}

// A watch on walks over all rows, whose tasks shrink: a row is asked about the columns behind it.
inline Watch upper_triangle(const Watch& watch) {
  if (!watch) return {};
  return [&watch](double share) { return watch(share * (2 - share)); };
}

}  // namespace bcl
