// Points in cells: ranges of a few points that stand close together, for proofs about many pairs at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bcl {

// Members of a cell at most: what is known of them fits into one word.
constexpr int64_t kMostMembers = 64;

struct Cells {
  std::vector<int64_t> offsets = {0};  // [n cells + 1] cell c holds the points offsets[c] ... offsets[c + 1] - 1

  // The groups [offsets[g], offsets[g + 1]) of points, the large ones in parts that are as full as can be but for one.
  // The empty are left out.
  static Cells of_groups(const std::vector<int64_t>& group_offsets) {
    Cells cells;
    for (size_t g = 0; g + 1 < group_offsets.size(); ++g) {
      const int64_t last = group_offsets[g + 1];
      while (cells.offsets.back() < last) cells.offsets.push_back(std::min(last, cells.offsets.back() + kMostMembers));
    }
    return cells;
  }

  int64_t n() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t size(int64_t c) const { return offsets[c + 1] - offsets[c]; }
};

}  // namespace bcl
