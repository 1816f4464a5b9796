#include "ball_loss/class_index.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "runtime/csr.h"
#include "runtime/first_equal.h"

namespace bcl {
namespace {

constexpr int64_t kLargestTable = 1 << 24;  // labels, 64 MB

void check_range(const int64_t* labels, int64_t n, int64_t num_classes) {
  for (int64_t i = 0; i < n; ++i)
    if (labels[i] < 0 || labels[i] >= num_classes)
      throw std::invalid_argument("labels must lie in [0, " + std::to_string(num_classes) + "), got " +
                                  std::to_string(labels[i]) + " at position " + std::to_string(i));
}

Classes number_bounded(const int64_t* labels, int64_t n, int64_t num_classes) {
  Classes classes;
  classes.of_sample.resize(n);
  std::vector<int32_t>& number = classes.of_label;
  number.assign(num_classes, -1);
  for (int64_t i = 0; i < n; ++i) number[labels[i]] = 0;
  for (int32_t& k : number)
    if (k == 0) k = static_cast<int32_t>(classes.n_classes++);
  for (int64_t i = 0; i < n; ++i) classes.of_sample[i] = number[labels[i]];
  return classes;
}

Classes number_any(const int64_t* labels, int64_t n) {
  Classes classes;
  classes.of_sample.resize(n);
  FirstEqual distinct(n);
  for (int32_t i = 0; i < n; ++i) {
    const int32_t first = distinct.find_or_add(i, static_cast<uint64_t>(labels[i]) * kGoldenRatio,
                                               [&](int32_t j) { return labels[j] == labels[i]; });
    classes.of_sample[i] = first == i ? static_cast<int32_t>(classes.n_classes++) : classes.of_sample[first];
  }
  return classes;
}

}  // namespace

Classes number_classes(const int64_t* labels, int64_t n, int64_t num_classes, bool by_label) {
  if (num_classes < 0) return number_any(labels, n);
  check_range(labels, n, num_classes);
  const bool table = by_label || num_classes <= std::max(n, kLargestTable);
  return table ? number_bounded(labels, n, num_classes) : number_any(labels, n);
}

Classes all_classes(const int64_t* labels, int64_t n, int64_t k) {
  check_range(labels, n, k);
  Classes classes;
  classes.n_classes = k;
  classes.of_sample.assign(labels, labels + n);
  classes.of_label.resize(k);
  std::iota(classes.of_label.begin(), classes.of_label.end(), 0);
  return classes;
}

Groups group_by(const std::vector<int32_t>& keys, int64_t n_groups) {
  Groups groups;
  const auto for_each_sample = [&](const auto& entry) {
    for (size_t i = 0; i < keys.size(); ++i)
      if (keys[i] >= 0) entry(keys[i], static_cast<int32_t>(i));
  };
  sort_into_rows(n_groups, for_each_sample, groups.offsets, groups.order);
  return groups;
}

}  // namespace bcl
