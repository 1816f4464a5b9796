#include "screen/packed_cells.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bcl {
namespace {

constexpr double kMostShortening = 127;

std::vector<int64_t> first_tiles(const Cells& cells) {
  const int64_t width = screen_kernels().tile_columns;
  std::vector<int64_t> first(cells.n() + 1, 0);
  for (int64_t c = 0; c < cells.n(); ++c) first[c + 1] = first[c] + (cells.size(c) + width - 1) / width;
  return first;
}

int32_t dot(const int8_t* x, const int8_t* y, int64_t depth) {
  int32_t product = 0;
  for (int64_t p = 0; p < depth; ++p) product += x[p] * y[p];
  return product;
}

}  // namespace

PackedCells::PackedCells(const ScaledPoints& points, const Directions& directions, Cells given,
                         double largest_threshold, const Execution& execution)
    : bytes(points, directions, directions.n / kFewestDirections * kFewestDirections, execution),
      bounds(points, directions, bytes),
      cells(std::move(given)),
      depth(bytes.depth() + (points.has_spreads() ? kSpreadFeatures : 0)),
      row_words(depth / screen_kernels().features_per_word),
      spread_words((depth - bytes.depth()) / screen_kernels().features_per_word),
      first_tile(first_tiles(cells)),
      own_products(points.n()),
      shortenings(points.n(), 0),
      errors(cells.n()),
      centers(cells.n() * bytes.depth()),
      center_panels(kernels<float>(), cells.n(), bytes.depth()) {
  const int64_t n_columns = first_column(n());
  tiles.resize(n_columns * depth);
  starts.resize(n_columns);
  product_starts.resize(n_columns);
  own.resize(n_columns);
  const double largest_reach = bounds.reach(largest_threshold, bytes.leading());
  parallel_for(n_chunks(), execution, [&](int64_t chunk, int) {
    for (int64_t c = chunk * kChunk; c < std::min(n(), (chunk + 1) * kChunk); ++c) pack_cell(c, largest_reach);
  });
  pack_centers(execution);
}

void PackedCells::pack_row(const int8_t* q, uint8_t shortening, uint8_t* row, uint32_t* words) const {
  bytes.write_row(q, row);
  if (has_spreads()) row[bytes.depth()] = shortening;
  screen_kernels().pack_row(row, depth, words);
}

uint8_t PackedCells::shortening(int64_t i, double largest_reach) const {
  const int8_t* const q = bytes.row(i);
  const double spread = bytes.leading().squares[i] - dot(q, q, bytes.depth()), square = largest_reach * largest_reach;
  const double b = largest_reach - std::sqrt(std::max(square - std::max(spread, 0.0), 0.0));
  return static_cast<uint8_t>(std::clamp(b / kShorteningUnit - 1e-3, 0.0, kMostShortening));  // 1e-3: rounding
}

// The centre is the mean of the bytes, rounded, whatever it is good for.
void PackedCells::pack_cell(int64_t c, double largest_reach) {
  const ScreenKernels& math = screen_kernels();
  const int64_t n_directions = bytes.depth(), size = cells.size(c), first = cells.offsets[c];
  int8_t* const mean = &centers[c * n_directions];
  for (int64_t p = 0; p < n_directions; ++p) {
    int32_t sum = 0;
    for (int64_t t = 0; t < size; ++t) sum += bytes.row(first + t)[p];
    mean[p] = static_cast<int8_t>(std::lround(static_cast<double>(sum) / static_cast<double>(size)));
  }
  std::vector<int8_t> columns(size * depth, 0);
  int32_t of_distance[kMostMembers], of_product[kMostMembers], of_center[kMostMembers] = {};
  for (int64_t t = 0; t < size; ++t) {
    const int8_t* const q = bytes.row(first + t);
    bytes.write_column(q, &columns[t * depth]);
    of_product[t] = bytes.column_start(q);
    of_distance[t] = of_product[t] + ByteBounds::start(bytes.leading(), first + t, largest_reach);
    of_center[t] = own_products[first + t] = dot(q, mean, n_directions);
    errors[c] = std::max(errors[c], bytes.leading().errors[first + t]);
    if (!has_spreads()) continue;
    shortenings[first + t] = shortening(first + t, largest_reach);
    columns[t * depth + n_directions] = static_cast<int8_t>(-shortenings[first + t]);
  }
  const int64_t at = first_column(c);
  math.pack(columns.data(), of_product, size, n_tiles(c), depth, &tiles[at * depth], &product_starts[at]);
  math.pack(columns.data(), of_distance, size, n_tiles(c), depth, &tiles[at * depth], &starts[at]);
  math.pack_starts(of_center, n_tiles(c), &own[at]);
}

void PackedCells::pack_centers(const Execution& execution) {
  const ScreenKernels& math = screen_kernels();
  const int64_t n_directions = bytes.depth();
  center_starts.resize(n_chunks() * kChunk);
  center_tiles.resize(center_starts.size() * depth);
  parallel_for(n_chunks(), execution, [&](int64_t chunk, int) {
    const int64_t first = chunk * kChunk, last = std::min(n(), first + kChunk);
    std::vector<int8_t> columns((last - first) * depth, 0);
    for (int64_t c = first; c < last; ++c) {
      bytes.write_column(center(c), &columns[(c - first) * depth]);
      center_starts[c] = bytes.column_start(center(c));
    }
    std::vector<int32_t> room(kChunk);
    math.pack(columns.data(), &center_starts[first], last - first, kChunk / math.tile_columns, depth,
              &center_tiles[first * depth], room.data());
  });
  std::vector<float> floats(centers.begin(), centers.end());
  for (int64_t panel = 0; panel < center_panels.n_panels(); ++panel)
    center_panels.pack(panel, &floats[center_panels.first_column(panel) * n_directions], n_directions);
  for (int64_t c = 0; c < n(); ++c)
    center_panels.start(c) = -static_cast<float>(dot(center(c), center(c), n_directions)) / 2;
}

}  // namespace bcl
