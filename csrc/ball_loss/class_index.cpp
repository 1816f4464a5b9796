#include "ball_loss/class_index.h"

#include <stdexcept>
#include <string>

namespace bcl {
namespace {

Classes number_bounded(const int64_t* labels, int64_t n, int64_t num_classes) {
  Classes classes;
  classes.of_sample.resize(n);
  std::vector<int32_t>& number = classes.of_label;
  number.assign(num_classes, -1);
  for (int64_t i = 0; i < n; ++i) {
    if (labels[i] < 0 || labels[i] >= num_classes)
      throw std::invalid_argument("labels must lie in [0, " + std::to_string(num_classes) + "), got " +
                                  std::to_string(labels[i]) + " at position " + std::to_string(i));
    number[labels[i]] = 0;
  }
  for (int32_t& k : number)
    if (k == 0) k = static_cast<int32_t>(classes.n_classes++);
  for (int64_t i = 0; i < n; ++i) classes.of_sample[i] = number[labels[i]];
  return classes;
}

// Open addressing in a table of at least 2 n slots; Fibonacci hashing spreads consecutive labels.
Classes number_any(const int64_t* labels, int64_t n) {
  Classes classes;
  classes.of_sample.resize(n);
  int bits = 4;
  while ((int64_t{1} << bits) < 2 * n) ++bits;
  const uint64_t mask = (uint64_t{1} << bits) - 1;
  std::vector<int32_t> first_sample(mask + 1, -1);
  for (int64_t i = 0; i < n; ++i) {
    uint64_t slot = (static_cast<uint64_t>(labels[i]) * 0x9E3779B97F4A7C15u) >> (64 - bits);
    while (first_sample[slot] >= 0 && labels[first_sample[slot]] != labels[i]) slot = (slot + 1) & mask;
    if (first_sample[slot] < 0) {
      first_sample[slot] = static_cast<int32_t>(i);
      classes.of_sample[i] = static_cast<int32_t>(classes.n_classes++);
    } else {
      classes.of_sample[i] = classes.of_sample[first_sample[slot]];
    }
  }
  return classes;
}

}  // namespace

Classes number_classes(const int64_t* labels, int64_t n, int64_t num_classes) {
  return num_classes >= 0 ? number_bounded(labels, n, num_classes) : number_any(labels, n);
}

Groups group_by(const std::vector<int32_t>& keys, int64_t n_groups) {
  Groups groups;
  groups.offsets.assign(n_groups + 1, 0);
  for (const int32_t key : keys)
    if (key >= 0) ++groups.offsets[key + 1];
  for (int64_t g = 0; g < n_groups; ++g) groups.offsets[g + 1] += groups.offsets[g];
  groups.order.resize(groups.offsets[n_groups]);
  std::vector<int32_t> next(groups.offsets.begin(), groups.offsets.end() - 1);
  for (size_t i = 0; i < keys.size(); ++i)
    if (keys[i] >= 0) groups.order[next[keys[i]]++] = static_cast<int32_t>(i);
  return groups;
}

}  // namespace bcl
