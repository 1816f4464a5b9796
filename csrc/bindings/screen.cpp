// The sources of candidates on their own, for tests of what they promise (screen/candidate_source.h).
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/define.h"
#include "bindings/execution.h"
#include "screen/choose_screen.h"

namespace bcl {
namespace {

std::vector<int32_t> all_candidates(ScaledPoints points, double distance_threshold, int64_t directions,
                                    const std::vector<int64_t>& group_offsets, const Execution& execution) {
  const int64_t n = points.n();
  const auto screen =
      choose_screen(std::move(points), group_offsets, {distance_threshold, distance_threshold}, execution, directions);
  std::vector<int32_t> pairs;
  for (int64_t first = 0; first < n; first += screen->rows_per_walk()) {
    const int64_t last = std::min(n, first + screen->rows_per_walk());
    screen->walk({first, last}, distance_threshold, 0, [&](int64_t i, const int32_t* columns, int64_t count) {
      for (int64_t t = 0; t < count; ++t) {
        pairs.push_back(static_cast<int32_t>(i));
        pairs.push_back(columns[t]);
      }
    });
  }
  return pairs;
}

Array<int32_t> candidate_pairs(const Array<double>& points, const Array<double>& spreads, double distance_threshold,
                               int64_t directions, const std::vector<int64_t>& group_offsets,
                               const PythonExecution& how) {
  check_points(points, distance_threshold);
  const int64_t n = points.shape(0), d = points.shape(1);
  if (spreads.ndim() != 1 || spreads.shape(0) != n) throw std::invalid_argument("spreads must be one per point");
  const double* const x = points.data();
  const double* const s = spreads.data();
  return to_numpy(carry_out(how, [&](const Execution& execution) {
    const auto write_row = [=](int64_t i, double* row) { std::copy_n(x + i * d, d, row); };
    ScaledPoints scaled(n, d, write_row, [=](int64_t i) { return s[i]; }, execution);
    return all_candidates(std::move(scaled), distance_threshold, directions, group_offsets, execution);
  }));
}

}  // namespace

void define_screen(py::module_& m) {
  m.def("candidate_pairs", &candidate_pairs, py::arg("points").noconvert(), py::arg("spreads").noconvert(),
        py::arg("distance_threshold"), py::arg("directions") = -1, py::arg("group_offsets") = std::vector<int64_t>(),
        py::arg("execution") = PythonExecution(),
        "What the screen leaves of all pairs i < j: i, j, i, j, ... Every pair within the threshold is among them.");
}

}  // namespace bcl
