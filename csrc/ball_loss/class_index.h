// Which samples belong to which class: dense class numbers and the samples of each class in order.
#pragma once

#include <cstdint>
#include <vector>

namespace bcl {

// Samples grouped by key: members of group g are order[offsets[g] .. offsets[g + 1]), ascending. Negative keys are left
// out.
struct Groups {
  std::vector<int32_t> offsets, order;
  int64_t size(int64_t group) const { return offsets[group + 1] - offsets[group]; }
};

Groups group_by(const std::vector<int32_t>& keys, int64_t n_groups);

// Classes that occur, numbered 0..n_classes-1: by label when num_classes >= 0 (labels must lie in [0, num_classes)),
// else by first appearance. Throws std::invalid_argument for a label out of range.
struct Classes {
  int64_t n_classes = 0;
  std::vector<int32_t> of_sample;
  std::vector<int32_t> of_label;  // where num_classes >= 0: -1 for a label that does not occur; else empty
};

// Without `by_label` a num_classes far beyond n is a check of the labels alone: they are numbered by first appearance,
// and nothing of its size is held.
Classes number_classes(const int64_t* labels, int64_t n, int64_t num_classes, bool by_label);

// The classes 0..k-1, of which some may have no sample here. Throws as number_classes.
Classes all_classes(const int64_t* labels, int64_t n, int64_t k);

}  // namespace bcl
