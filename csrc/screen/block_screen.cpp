#include "screen/block_screen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "runtime/csr.h"

namespace bcl {
namespace {

constexpr int64_t kMostHits = 1 << 16;  // that are kept before they are reported
constexpr int64_t kSampledCells = 256, kSampledChunks = 4;
constexpr int64_t kWords = kBlockColumns / 64;
// The feature of a spread holds b in halves and, where it meets b, |w| in twos: both are rounded down and cut, which
// loses only proofs, as does a sum of 16 bits that is so far below all others that it turns positive. It stands first
// of as many as a word may hold.
constexpr int64_t kSpreadFeatures = 4;
constexpr double kShorteningUnit = 0.5, kGapUnit = 1 / kShorteningUnit;
constexpr double kMostShortening = 127;
float most_gap() { return screen_kernels().largest_sum > INT16_MAX ? 127.0f : 73.0f; }
// So that q . k - T fits into the sums: a T above is lowered, which loses only proofs; below it all rows are near.
int32_t largest_bound() { return screen_kernels().largest_sum / 3; }

// Columns are far fewer than a word's bits: those below n.
uint64_t lowest_bits(int64_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

// Bit c of words[r] goes to bit r of words[c] (Warren, Hacker's Delight, 7-3).
void transpose(uint64_t* words /* [64] */) {
  uint64_t mask = 0x00000000ffffffff;
  for (int64_t width = 32; width != 0; width /= 2, mask ^= mask << width)
    for (int64_t r = 0; r < 64; r = (r + width + 1) & ~width) {
      const uint64_t moved = ((words[r] >> width) ^ words[r + width]) & mask;
      words[r] ^= moved << width;
      words[r + width] ^= moved;
    }
}

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

struct BlockScreen::Scratch {
  struct Hit {
    int32_t row, column;  // of the group; a point
  };

  // The group's cells are first_cell and those that follow; its rows are the points from first_point on.
  int64_t first_cell = 0, n_cells = 0, first_point = 0;
  std::vector<int32_t> first_row;           // [n_cells + 1]
  std::vector<uint8_t> bytes;               // of a row
  std::vector<uint32_t> rows, center_rows;  // words
  std::vector<int32_t> limits, own;         // [rows] for a distance; q_x . k_A
  std::vector<float> centers;               // [n_cells, depth]
  // For a chunk:
  std::vector<float> gaps = std::vector<float>(kGroup * kChunk);          // products of centres at first
  std::vector<int8_t> tiles, gap_features = std::vector<int8_t>(kChunk);  // of the chunk's centres
  std::vector<int32_t> reaches = std::vector<int32_t>(kChunk * kGroup);
  std::vector<int32_t> starts = std::vector<int32_t>(kChunk), packed_starts = std::vector<int32_t>(kChunk);
  std::vector<uint64_t> all_near = std::vector<uint64_t>(kWords);
  std::vector<uint64_t> masks = std::vector<uint64_t>(kMostMembers * kWords);
  std::vector<uint64_t> near_rows = std::vector<uint64_t>(kChunk * kGroup);
  // For a cell:
  std::vector<int32_t> near;  // rows
  std::vector<uint32_t> gathered;
  std::vector<int32_t> gathered_limits;
  std::vector<uint64_t> found;
  // Pairs:
  std::vector<Hit> hits;
  std::vector<int32_t> offsets, columns;
};

BlockScreen::BlockScreen(const ScaledPoints& points, const Directions& directions, Cells cells,
                         double largest_threshold, const Execution& execution)
    : bytes_(points, directions, directions.n / kFewestDirections * kFewestDirections, execution),
      bounds_(points, directions, bytes_),
      cells_(std::move(cells)),
      depth_(bytes_.depth() + (points.has_spreads() ? kSpreadFeatures : 0)),
      row_words_(depth_ / screen_kernels().features_per_word),
      spread_words_((depth_ - bytes_.depth()) / screen_kernels().features_per_word),
      first_tile_(first_tiles(cells_)),
      own_products_(points.n()),
      shortenings_(points.n(), 0),
      errors_(cells_.n()),
      centers_(cells_.n() * bytes_.depth()),
      center_panels_(kernels<float>(), cells_.n(), bytes_.depth()),
      scratch_(execution) {
  pack_cells(largest_threshold, execution);
  pack_centers(execution);
}

BlockScreen::~BlockScreen() = default;

void BlockScreen::pack_cells(double largest_threshold, const Execution& execution) {
  const int64_t n_columns = first_tile_.back() * screen_kernels().tile_columns;
  tiles_.resize(n_columns * depth_);
  starts_.resize(n_columns);
  product_starts_.resize(n_columns);
  own_.resize(n_columns);
  const double largest_reach = bounds_.reach(largest_threshold, bytes_.leading());
  parallel_for((cells_.n() + kChunk - 1) / kChunk, execution, [&](int64_t chunk, int) {
    for (int64_t c = chunk * kChunk; c < std::min(cells_.n(), (chunk + 1) * kChunk); ++c) pack_cell(c, largest_reach);
  });
}

uint8_t BlockScreen::shortening(int64_t i, double largest_reach) const {
  const int8_t* const q = bytes_.row(i);
  const double spread = bytes_.leading().squares[i] - dot(q, q, bytes_.depth()), square = largest_reach * largest_reach;
  const double b = largest_reach - std::sqrt(std::max(square - std::max(spread, 0.0), 0.0));
  return static_cast<uint8_t>(std::clamp(b / kShorteningUnit - 1e-3, 0.0, kMostShortening));  // 1e-3: rounding
}

// The centre is the mean of the bytes, rounded, whatever it is good for.
void BlockScreen::pack_cell(int64_t c, double largest_reach) {
  const ScreenKernels& math = screen_kernels();
  const int64_t depth = bytes_.depth(), size = cells_.size(c), first_column = first_tile_[c] * math.tile_columns;
  const int64_t first = cells_.offsets[c];
  int8_t* const center = &centers_[c * depth];
  for (int64_t p = 0; p < depth; ++p) {
    int32_t sum = 0;
    for (int64_t t = 0; t < size; ++t) sum += bytes_.row(first + t)[p];
    center[p] = static_cast<int8_t>(std::lround(static_cast<double>(sum) / static_cast<double>(size)));
  }
  std::vector<int8_t> columns(size * depth_, 0);
  int32_t starts[kMostMembers], product_starts[kMostMembers], own[kMostMembers] = {};
  for (int64_t t = 0; t < size; ++t) {
    const int8_t* const q = bytes_.row(first + t);
    bytes_.write_column(q, &columns[t * depth_]);
    product_starts[t] = bytes_.column_start(q);
    starts[t] = product_starts[t] + ByteBounds::start(bytes_.leading(), first + t, largest_reach);
    own[t] = own_products_[first + t] = dot(q, center, depth);
    errors_[c] = std::max(errors_[c], bytes_.leading().errors[first + t]);
    if (depth_ == depth) continue;
    shortenings_[first + t] = shortening(first + t, largest_reach);
    columns[t * depth_ + depth] = static_cast<int8_t>(-shortenings_[first + t]);
  }
  math.pack(columns.data(), product_starts, size, n_tiles(c), depth_, &tiles_[first_column * depth_],
            &product_starts_[first_column]);
  math.pack(columns.data(), starts, size, n_tiles(c), depth_, &tiles_[first_column * depth_], &starts_[first_column]);
  math.pack_starts(own, n_tiles(c), &own_[first_column]);
}

void BlockScreen::pack_centers(const Execution& execution) {
  const ScreenKernels& math = screen_kernels();
  const int64_t depth = bytes_.depth(), n = cells_.n();
  center_starts_.resize(n_chunks() * kChunk);
  center_tiles_.resize(center_starts_.size() * depth_);
  parallel_for(n_chunks(), execution, [&](int64_t chunk, int) {
    const int64_t first = chunk * kChunk, last = std::min(n, first + kChunk);
    std::vector<int8_t> columns((last - first) * depth_, 0);
    for (int64_t c = first; c < last; ++c) {
      bytes_.write_column(&centers_[c * depth], &columns[(c - first) * depth_]);
      center_starts_[c] = bytes_.column_start(&centers_[c * depth]);
    }
    std::vector<int32_t> room(kChunk);
    math.pack(columns.data(), &center_starts_[first], last - first, kChunk / math.tile_columns, depth_,
              &center_tiles_[first * depth_], room.data());
  });
  std::vector<float> floats(centers_.begin(), centers_.end());
  for (int64_t panel = 0; panel < center_panels_.n_panels(); ++panel)
    center_panels_.pack(panel, &floats[center_panels_.first_column(panel) * depth], depth);
  for (int64_t c = 0; c < n; ++c)
    center_panels_.start(c) = -static_cast<float>(dot(&centers_[c * depth], &centers_[c * depth], depth)) / 2;
}

void BlockScreen::walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) {
  auto [first, last, first_column] = rows;
  const Found found_asked = asked_about(rows, found);
  const double r = bounds_.reach(distance_threshold, bytes_.leading());
  Scratch& scratch = scratch_[thread];
  const int64_t first_asked = cell_of(first_column);
  for (int64_t c = cell_of(first); first < last; c += scratch.n_cells) {
    begin(c, first, last, r, scratch);
    walk_group(std::max(c, first_asked), r, scratch, found_asked);
    first += scratch.first_row.back();
  }
}

int64_t BlockScreen::cell_of(int64_t point) const {
  return std::upper_bound(cells_.offsets.begin(), cells_.offsets.end(), point) - cells_.offsets.begin() - 1;
}

void BlockScreen::begin(int64_t first_cell, int64_t first, int64_t last, double r, Scratch& scratch) const {
  scratch.first_cell = first_cell;
  scratch.n_cells = 0;
  scratch.first_point = first;
  scratch.first_row.assign(1, 0);
  scratch.bytes.assign(depth_, 0);
  scratch.centers.resize(kGroup * bytes_.depth());
  scratch.center_rows.resize(kGroup * row_words_);
  scratch.rows.resize((last - first) * row_words_);
  scratch.limits.resize(last - first);
  scratch.own.resize(last - first);
  for (int64_t c = first_cell; scratch.n_cells < kGroup && c < cells_.n() && cells_.offsets[c] < last; ++c)
    add_cell(c, std::max(first, cells_.offsets[c]), std::min(last, cells_.offsets[c + 1]), r, scratch);
}

void BlockScreen::add_cell(int64_t c, int64_t first, int64_t last, double r, Scratch& scratch) const {
  const auto pack_row = [&](const int8_t* q, uint8_t shortening, uint32_t* words) {
    bytes_.write_row(q, scratch.bytes.data());
    if (spread_words_ > 0) scratch.bytes[bytes_.depth()] = shortening;
    screen_kernels().pack_row(scratch.bytes.data(), depth_, words);
  };
  const int32_t largest = screen_kernels().largest_sum;
  const int8_t* const center = &centers_[c * bytes_.depth()];
  pack_row(center, 0, &scratch.center_rows[scratch.n_cells * row_words_]);
  std::copy_n(center, bytes_.depth(), &scratch.centers[scratch.n_cells * bytes_.depth()]);
  for (int64_t i = first; i < last; ++i) {
    const int64_t row = i - scratch.first_point;
    pack_row(bytes_.row(i), shortenings_[i], &scratch.rows[row * row_words_]);
    scratch.own[row] = own_products_[i];
    scratch.limits[row] = std::clamp(ByteBounds::limit(bytes_.leading(), i, r), -largest, largest);
  }
  scratch.first_row.push_back(static_cast<int32_t>(last - scratch.first_point));
  ++scratch.n_cells;
}

void BlockScreen::walk_group(int64_t first_cell, double r, Scratch& scratch, const Found& found) const {
  for (int64_t chunk = first_cell / kChunk; chunk < n_chunks(); ++chunk) {
    find_near_cells(chunk, r, scratch);
    const int64_t first = std::max<int64_t>(first_cell, chunk * kChunk);
    for (int64_t c = first; c < std::min(cells_.n(), (chunk + 1) * kChunk); ++c) {
      find_pairs(c, scratch);
      if (static_cast<int64_t>(scratch.hits.size()) >= kMostHits) report(scratch, found);
    }
  }
  report(scratch, found);
}

void BlockScreen::find_near_cells(int64_t chunk, double r, Scratch& scratch) const {
  measure_gaps(chunk, scratch);
  measure_reaches(chunk, scratch);
  if (spread_words_ > 0) {
    const auto* const tiles = &center_tiles_[chunk * kChunk * depth_];
    scratch.tiles.assign(tiles, tiles + kChunk * depth_);
  }
  for (int64_t a = 0; a < scratch.n_cells; ++a) {
    write_bounds(a, chunk, r, scratch);
    ask_rows(a, chunk, scratch);
  }
}

// |w| of the group's cells and the chunk's. Products of bytes are whole numbers that a float holds.
void BlockScreen::measure_gaps(int64_t chunk, Scratch& scratch) const {
  const int64_t first_panel = chunk * kChunk / center_panels_.width();
  const int64_t n_panels = std::min(kChunk / center_panels_.width(), center_panels_.n_panels() - first_panel);
  kernels<float>().scores(scratch.centers.data(), bytes_.depth(), scratch.n_cells, center_panels_.values(first_panel),
                          center_panels_.starts(first_panel), n_panels, bytes_.depth(), scratch.gaps.data(),
                          kBlockColumns);
  for (int64_t a = 0; a < scratch.n_cells; ++a) {
    const float square = -2 * center_panels_.starts(0)[scratch.first_cell + a];
    float* const gaps = &scratch.gaps[a * kBlockColumns];
    for (int64_t b = 0; b < kChunk; ++b) gaps[b] = std::sqrt(std::max(square - 2 * gaps[b], 0.0f));
  }
}

// g of the chunk's cells toward each of the group's.
void BlockScreen::measure_reaches(int64_t chunk, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  const float most = most_gap();
  for (int64_t b = 0; b < std::min(kChunk, cells_.n() - chunk * kChunk); ++b) {
    const int64_t c = chunk * kChunk + b, first_column = first_tile_[c] * math.tile_columns;
    if (spread_words_ > 0)
      for (int64_t a = 0; a < scratch.n_cells; ++a) {
        const auto gap =
            static_cast<uint8_t>(std::min(scratch.gaps[a * kBlockColumns + b] / static_cast<float>(kGapUnit), most));
        const uint8_t feature[kSpreadFeatures] = {gap};
        math.pack_row(feature, kSpreadFeatures, &scratch.center_rows[(a + 1) * row_words_ - spread_words_]);
      }
    math.reach(scratch.center_rows.data(), scratch.n_cells, &tiles_[first_column * depth_],
               &product_starts_[first_column], &own_[first_column], n_tiles(c), depth_, &scratch.reaches[b * kGroup]);
  }
}

// Of one of the group's cells toward each of the chunk's: -T as the start of a column, and |w| as its last feature.
void BlockScreen::write_bounds(int64_t a, int64_t chunk, double r, Scratch& scratch) const {
  const int64_t first = chunk * kChunk, count = std::min(kChunk, cells_.n() - first);
  const float own_limit = static_cast<float>(r * (1 + 1e-6)) + errors_[scratch.first_cell + a];
  const float* const gaps = &scratch.gaps[a * kBlockColumns];
  float bounds[kChunk];
  // A float holds seven digits and no bound comes near 10^6: 1 covers what is rounded here.
  for (int64_t b = 0; b < count; ++b)
    bounds[b] = -gaps[b] * (own_limit + errors_[first + b]) - static_cast<float>(scratch.reaches[b * kGroup + a]) - 1;
  std::fill(scratch.all_near.begin(), scratch.all_near.end(), 0);
  const int32_t largest_sum = screen_kernels().largest_sum;
  const auto largest = static_cast<float>(largest_bound());
  for (int64_t b = 0; b < count; ++b) {
    const bool all_near = scratch.reaches[b * kGroup + a] >= largest_sum || bounds[b] < -largest;
    scratch.all_near[b / 64] |= static_cast<uint64_t>(all_near) << b % 64;
    // Cut toward zero, which may raise a bound by less than the 1 it was lowered by.
    const auto bound = static_cast<int32_t>(std::clamp(bounds[b], -largest, largest));
    scratch.starts[b] = center_starts_[first + b] - bound;
  }
  if (spread_words_ == 0) return;
  const float most = most_gap();
  for (int64_t b = 0; b < count; ++b)
    scratch.gap_features[b] = static_cast<int8_t>(-std::min(gaps[b] / static_cast<float>(kGapUnit), most));
  screen_kernels().set_feature(scratch.gap_features.data(), kChunk / screen_kernels().tile_columns, bytes_.depth(),
                               depth_, scratch.tiles.data());
}

void BlockScreen::ask_rows(int64_t a, int64_t chunk, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  const int64_t first = chunk * kChunk, n_columns = std::min(kChunk, cells_.n() - first);
  const int64_t n_words = (n_columns + 63) / 64, n_tiles = n_words * 64 / math.tile_columns;
  const int32_t first_row = scratch.first_row[a];
  const int64_t n_rows = scratch.first_row[a + 1] - first_row;
  math.pack_starts(scratch.starts.data(), n_tiles, scratch.packed_starts.data());
  math.select(&scratch.rows[first_row * row_words_], &scratch.own[first_row], n_rows,
              spread_words_ > 0 ? scratch.tiles.data() : &center_tiles_[first * depth_], scratch.packed_starts.data(),
              n_tiles, depth_, scratch.masks.data(), kWords);
  for (int64_t word = 0; word < n_words; ++word) {
    uint64_t answers[64] = {};
    for (int64_t r = 0; r < n_rows; ++r) answers[r] = scratch.masks[r * kWords + word] | scratch.all_near[word];
    transpose(answers);
    for (int64_t b = word * 64; b < std::min(n_columns, (word + 1) * 64); ++b)
      scratch.near_rows[b * kGroup + a] = answers[b % 64];
  }
}

void BlockScreen::find_pairs(int64_t c, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  const uint64_t* const near_rows = &scratch.near_rows[c % kChunk * kGroup];
  scratch.near.clear();
  for (int64_t a = 0; a < scratch.n_cells && scratch.first_cell + a <= c; ++a) {
    const int32_t n_own = scratch.first_row[a + 1] - scratch.first_row[a];
    const uint64_t rows = scratch.first_cell + a == c ? lowest_bits(n_own) : near_rows[a];
    for (uint64_t left = rows; left != 0; left &= left - 1)
      scratch.near.push_back(scratch.first_row[a] + __builtin_ctzll(left));
  }
  const auto n_rows = static_cast<int64_t>(scratch.near.size());
  if (n_rows == 0) return;
  scratch.gathered.resize(n_rows * row_words_);
  scratch.gathered_limits.resize(n_rows);
  scratch.found.assign(n_rows, 0);
  for (int64_t r = 0; r < n_rows; ++r) {
    std::copy_n(&scratch.rows[scratch.near[r] * row_words_], row_words_, &scratch.gathered[r * row_words_]);
    std::fill_n(&scratch.gathered[(r + 1) * row_words_] - spread_words_, spread_words_, 0);
    scratch.gathered_limits[r] = scratch.limits[scratch.near[r]];
  }
  const int64_t first_column = first_tile_[c] * math.tile_columns;
  math.select(scratch.gathered.data(), scratch.gathered_limits.data(), n_rows, &tiles_[first_column * depth_],
              &starts_[first_column], n_tiles(c), depth_, scratch.found.data(), 1);
  keep_hits(c, scratch);
}

// Of the rows of c itself, which stand last, only pairs with later members are wanted.
void BlockScreen::keep_hits(int64_t c, Scratch& scratch) const {
  const int64_t own = c - scratch.first_cell, first = cells_.offsets[c];
  const int32_t own_row = own < scratch.n_cells ? scratch.first_row[own] : std::numeric_limits<int32_t>::max();
  for (size_t r = 0; r < scratch.near.size(); ++r) {
    const int32_t row = scratch.near[r];
    uint64_t found = scratch.found[r];
    if (row >= own_row) found &= ~lowest_bits(scratch.first_point + row - first + 1);
    for (; found != 0; found &= found - 1)
      scratch.hits.push_back({row, static_cast<int32_t>(first + __builtin_ctzll(found))});
  }
}

void BlockScreen::report(Scratch& scratch, const Found& found) const {
  if (scratch.hits.empty()) return;
  const int64_t n_rows = scratch.first_row.back();
  const auto for_each_hit = [&](const auto& entry) {
    for (const Scratch::Hit& hit : scratch.hits) entry(hit.row, hit.column);
  };
  sort_into_rows(n_rows, for_each_hit, scratch.offsets, scratch.columns);
  for (int64_t row = 0; row < n_rows; ++row)
    if (const int64_t count = scratch.offsets[row + 1] - scratch.offsets[row]; count > 0)
      found(scratch.first_point + row, &scratch.columns[scratch.offsets[row]], count);
  scratch.hits.clear();
}

double BlockScreen::share_left(double distance_threshold, const Execution& execution) {
  const double r = bounds_.reach(distance_threshold, bytes_.leading());
  const int64_t n_sampled = std::min(kSampledCells, cells_.n());
  std::vector<double> left(n_sampled, 0.0), looked_at(n_sampled, 0.0);
  parallel_for(n_sampled, execution, [&](int64_t s, int thread) {
    Scratch& scratch = scratch_[thread];
    const int64_t a = s * cells_.n() / n_sampled;
    begin(a, cells_.offsets[a], cells_.offsets[a + 1], r, scratch);
    for (int64_t t = s % kSampledChunks; t < n_chunks(); t += std::max<int64_t>(1, n_chunks() / kSampledChunks)) {
      find_near_cells(t, r, scratch);
      for (int64_t c = t * kChunk; c < std::min(cells_.n(), (t + 1) * kChunk); ++c) {
        left[s] += static_cast<double>(n_tiles(c) * screen_kernels().tile_columns) *
                   __builtin_popcountll(scratch.near_rows[c % kChunk * kGroup]);
        looked_at[s] += static_cast<double>(cells_.size(c) * cells_.size(a));
      }
    }
  });
  return std::accumulate(left.begin(), left.end(), 0.0) / std::accumulate(looked_at.begin(), looked_at.end(), 1.0);
}

}  // namespace bcl
