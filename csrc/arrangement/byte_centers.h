// Centres among the bytes of points, and which of them is nearest to a point: as near as bytes can tell, for nothing
// that must be exact.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "distance/quantized_points.h"
#include "runtime/execution.h"

namespace bcl {

inline int32_t squared_distance(const int8_t* x, const int8_t* y, int64_t depth) {
  int32_t sum = 0;
  for (int64_t p = 0; p < depth; ++p) sum += (x[p] - y[p]) * (x[p] - y[p]);
  return sum;
}

class ByteCenters {
 public:
  // The bytes of row t, depth of them, of what is compared with the centres.
  using Rows = std::function<const int8_t*(int64_t t)>;

  // Of bytes like those of `points`, which must outlive it.
  explicit ByteCenters(const QuantizedPoints& points) : points_(&points) {}

  int64_t n() const { return static_cast<int64_t>(values_.size()) / points_->depth(); }
  const int8_t* row(int64_t c) const { return values_.data() + c * points_->depth(); }
  void add(const int8_t* center) { values_.insert(values_.end(), center, center + points_->depth()); }

  // nearest[t] = the centre nearest to row t among those within squared_radius, in the unit of the bytes, or -1.
  void find_nearest(const Rows& rows, int64_t n_rows, double squared_radius, const Execution& execution,
                    int32_t* nearest);

  // Makes centres of rows that lie apart: of each, in order, that no centre is within squared_radius of. Returns false
  // where `enough`, asked with the numbers of rows looked at and of centres now and then, says so before the end.
  using Enough = std::function<bool(int64_t n_rows, int64_t n_centers)>;
  bool add_scattered(const Rows& rows, int64_t n_rows, double squared_radius, const Execution& execution,
                     const Enough& enough = {});

 private:
  struct Scratch;

  void pack(const Execution& execution);
  void find_nearest_of_block(const Rows& rows, int64_t first, int64_t last, double squared_radius, Scratch& scratch,
                             int32_t* nearest) const;
  void improve(const int8_t* const* rows, int64_t n_rows, int64_t first_column, Scratch& scratch,
               int32_t* nearest) const;

  const QuantizedPoints* points_;
  std::vector<int8_t> values_;  // [n, depth]
  // Whole panels of kScreenColumns columns, as far as they are packed.
  int64_t n_packed_ = 0;
  std::vector<int8_t> panels_;
  std::vector<int32_t> starts_;
};

}  // namespace bcl
