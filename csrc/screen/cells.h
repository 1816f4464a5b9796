// Points in cells: ranges of a few points that stand close together, for proofs about many pairs at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bcl {

// Members of a cell at most. What is known of each stands in words of kMembersPerWord bits.
constexpr int64_t kMembersPerWord = 64, kMostMembers = 8 * kMembersPerWord;

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
  int64_t cell_of(int64_t point) const {
    return std::upper_bound(offsets.begin(), offsets.end(), point) - offsets.begin() - 1;
  }
};

inline int64_t n_words(int64_t n_members) { return (n_members + kMembersPerWord - 1) / kMembersPerWord; }

// Members are fewer than a word's bits: those below n.
inline uint64_t lowest_bits(int64_t n) { return n >= kMembersPerWord ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

}  // namespace bcl
