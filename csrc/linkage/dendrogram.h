// What a linkage returns: the merges, and the clusters that they leave.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// One row of a SciPy-style Z: cluster ids below n are points, n + t is the cluster made by merge t.
struct Merge {
  int64_t left, right;  // left < right
  double height;        // largest dissimilarity between the two
  int64_t size;         // points in the merged cluster
};

struct Dendrogram {
  std::vector<Merge> merges;    // by height; fewer than n - 1 when pairs are missing that the rest would need
  std::vector<int64_t> labels;  // [n] 0..K-1, numbered by first appearance
};

// A merge in the order in which a search came upon it: n + t is the cluster that the t-th one found made.
struct FoundMerge {
  int32_t a, b;
  double height;
};

// Of clusters 0..n-1.
struct FoundMerges {
  std::vector<FoundMerge> merges;  // each after those that made its parts
  std::vector<int64_t> labels;     // [n] 0..K-1, numbered by first appearance
};

// The order of merges and of the pairs that they come from, wherever equal distances must be told apart: those come
// first whose clusters' first points, their smallest numbers, differ in low bits: 0 and 1, 2 and 3, ... then merge at
// once. It is total, for no two pairs of clusters have the same two first points; and a union never comes before both
// of its parts in it, so that whoever merges by it finds one dendrogram (README.md).
inline int32_t tie_of(int32_t first, int32_t other_first) { return first ^ other_first; }

// By height, then by tie_of() the parts; but a merge after those that made its parts, and no lower than they, for its
// height may have been rounded. So how merges were found does not show. The first `n_given` stay the first.
Dendrogram in_order(FoundMerges found, int64_t n_given = 0);

// Labels of points whose clusters lie in slots 0..n-1, slot_of(point): numbered by first appearance.
template <class SlotOf>
std::vector<int64_t> label_by_first_appearance(int32_t n, const SlotOf& slot_of) {
  std::vector<int64_t> label_of_slot(n, -1), labels(n);
  int64_t n_labels = 0;
  for (int32_t i = 0; i < n; ++i) {
    int64_t& label = label_of_slot[slot_of(i)];
    if (label < 0) label = n_labels++;
    labels[i] = label;
  }
  return labels;
}

}  // namespace bcl
