#include "screen/block_screen.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "runtime/csr.h"

namespace bcl {
namespace {

constexpr int64_t kMostHits = 1 << 16;  // that are kept before they are reported
constexpr int64_t kSampledCells = 256, kSampledChunks = 4;
constexpr int64_t kWords = kBlockColumns / 64;
float most_gap() { return screen_kernels().largest_sum > INT16_MAX ? 127.0f : 73.0f; }
// So that q . k - T fits into the sums: a T above is lowered, which loses only proofs; below it all rows are near.
int32_t largest_bound() { return screen_kernels().largest_sum / 3; }

// |w| as a feature of the products.
float gap_feature(float gap) { return std::min(gap / static_cast<float>(PackedCells::kGapUnit), most_gap()); }

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

}  // namespace

struct BlockScreen::Scratch {
  struct Hit {
    int32_t row, column;  // of the group; a point
  };

  // The group's cells are first_cell and those that follow; its rows are the points from first_point on.
  int64_t first_cell = 0, n_cells = 0, first_point = 0;
  std::vector<int32_t> first_row, first_word;  // [n_cells + 1] of a cell's rows; of what is known of them
  std::vector<uint8_t> bytes;                  // of a row
  std::vector<uint32_t> rows, center_rows;     // words
  std::vector<int32_t> limits, own;            // [rows] for a distance; q_x . k_A
  std::vector<float> centers;                  // [n_cells, depth]
  // For a chunk:
  std::vector<float> gaps = std::vector<float>(kGroup * kChunk);          // products of centres at first
  std::vector<int8_t> tiles, gap_features = std::vector<int8_t>(kChunk);  // of the chunk's centres
  std::vector<int32_t> reaches = std::vector<int32_t>(kChunk * kGroup);
  std::vector<int32_t> starts = std::vector<int32_t>(kChunk), packed_starts = std::vector<int32_t>(kChunk);
  std::vector<uint64_t> all_near = std::vector<uint64_t>(kWords);
  std::vector<uint64_t> masks = std::vector<uint64_t>(kMostMembers * kWords);
  std::vector<uint64_t> near_rows = std::vector<uint64_t>(kChunk * kMostWords);
  // For a cell:
  std::vector<int32_t> near;  // rows
  std::vector<uint32_t> gathered;
  std::vector<int32_t> gathered_limits;
  std::vector<uint64_t> found;  // [near, words of the cell]
  // Pairs:
  std::vector<Hit> hits;
  std::vector<int32_t> offsets, columns;
};

BlockScreen::BlockScreen(const ScaledPoints& points, const Directions& directions, Cells cells,
                         double largest_threshold, const Execution& execution)
    : packed_(points, directions, std::move(cells), largest_threshold, execution), scratch_(execution) {}

BlockScreen::~BlockScreen() = default;

void BlockScreen::walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) {
  auto [first, last, first_column] = rows;
  const Found found_asked = asked_about(rows, found);
  const double r = packed_.bounds.reach(distance_threshold, packed_.bytes.leading());
  Scratch& scratch = scratch_[thread];
  const int64_t first_asked = packed_.cells.cell_of(first_column);
  while (first < last) {
    const int64_t c = packed_.cells.cell_of(first);
    begin(c, first, last, r, scratch);
    walk_group(std::max(c, first_asked), r, scratch, found_asked);
    first += scratch.first_row.back();
  }
}

void BlockScreen::begin(int64_t first_cell, int64_t first, int64_t last, double r, Scratch& scratch) const {
  scratch.first_cell = first_cell;
  scratch.n_cells = 0;
  scratch.first_point = first;
  scratch.first_row.assign(1, 0);
  scratch.first_word.assign(1, 0);
  scratch.bytes.assign(packed_.depth, 0);
  scratch.centers.resize(kGroup * packed_.bytes.depth());
  scratch.center_rows.resize(kGroup * packed_.row_words);
  scratch.rows.resize((last - first) * packed_.row_words);
  scratch.limits.resize(last - first);
  scratch.own.resize(last - first);
  const std::vector<int64_t>& offsets = packed_.cells.offsets;
  for (int64_t c = first_cell; scratch.n_cells < kGroup && c < packed_.n() && offsets[c] < last; ++c)
    add_cell(c, std::max(first, offsets[c]), std::min(last, offsets[c + 1]), r, scratch);
}

void BlockScreen::add_cell(int64_t c, int64_t first, int64_t last, double r, Scratch& scratch) const {
  const int32_t largest = screen_kernels().largest_sum;
  const int64_t n_directions = packed_.bytes.depth();
  packed_.pack_row(packed_.center(c), 0, scratch.bytes.data(),
                   &scratch.center_rows[scratch.n_cells * packed_.row_words]);
  std::copy_n(packed_.center(c), n_directions, &scratch.centers[scratch.n_cells * n_directions]);
  for (int64_t i = first; i < last; ++i) {
    const int64_t row = i - scratch.first_point;
    packed_.pack_row(packed_.bytes.row(i), packed_.shortenings[i], scratch.bytes.data(),
                     &scratch.rows[row * packed_.row_words]);
    scratch.own[row] = packed_.own_products[i];
    scratch.limits[row] = std::clamp(ByteBounds::limit(packed_.bytes.leading(), i, r), -largest, largest);
  }
  scratch.first_row.push_back(static_cast<int32_t>(last - scratch.first_point));
  scratch.first_word.push_back(scratch.first_word.back() + static_cast<int32_t>(n_words(last - first)));
  ++scratch.n_cells;
}

void BlockScreen::walk_group(int64_t first_cell, double r, Scratch& scratch, const Found& found) const {
  for (int64_t chunk = first_cell / kChunk; chunk < packed_.n_chunks(); ++chunk) {
    find_near_cells(chunk, r, scratch);
    const int64_t first = std::max<int64_t>(first_cell, chunk * kChunk);
    for (int64_t c = first; c < std::min(packed_.n(), (chunk + 1) * kChunk); ++c) {
      find_pairs(c, scratch);
      if (static_cast<int64_t>(scratch.hits.size()) >= kMostHits) report(scratch, found);
    }
  }
  report(scratch, found);
}

void BlockScreen::find_near_cells(int64_t chunk, double r, Scratch& scratch) const {
  measure_gaps(chunk, scratch);
  measure_reaches(chunk, scratch);
  if (packed_.has_spreads()) {
    const auto* const tiles = &packed_.center_tiles[chunk * kChunk * packed_.depth];
    scratch.tiles.assign(tiles, tiles + kChunk * packed_.depth);
  }
  for (int64_t a = 0; a < scratch.n_cells; ++a) {
    write_bounds(a, chunk, r, scratch);
    ask_rows(a, chunk, scratch);
  }
}

// |w| of the group's cells and the chunk's. Products of bytes are whole numbers that a float holds.
void BlockScreen::measure_gaps(int64_t chunk, Scratch& scratch) const {
  const Panels<float>& centers = packed_.center_panels;
  const int64_t n_directions = packed_.bytes.depth(), first_panel = chunk * kChunk / centers.width();
  const int64_t n_panels = std::min(kChunk / centers.width(), centers.n_panels() - first_panel);
  kernels<float>().scores(scratch.centers.data(), n_directions, scratch.n_cells, centers.values(first_panel),
                          centers.starts(first_panel), n_panels, n_directions, scratch.gaps.data(), kBlockColumns);
  for (int64_t a = 0; a < scratch.n_cells; ++a) {
    const float square = -2 * centers.starts(0)[scratch.first_cell + a];
    float* const gaps = &scratch.gaps[a * kBlockColumns];
    for (int64_t b = 0; b < kChunk; ++b) gaps[b] = std::sqrt(std::max(square - 2 * gaps[b], 0.0f));
  }
}

// g of the chunk's cells toward each of the group's.
void BlockScreen::measure_reaches(int64_t chunk, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  for (int64_t b = 0; b < std::min(kChunk, packed_.n() - chunk * kChunk); ++b) {
    const int64_t c = chunk * kChunk + b, first_column = packed_.first_column(c);
    if (packed_.has_spreads())
      for (int64_t a = 0; a < scratch.n_cells; ++a) {
        const auto gap = static_cast<uint8_t>(gap_feature(scratch.gaps[a * kBlockColumns + b]));
        const uint8_t feature[PackedCells::kSpreadFeatures] = {gap};
        math.pack_row(feature, PackedCells::kSpreadFeatures,
                      &scratch.center_rows[(a + 1) * packed_.row_words - packed_.spread_words]);
      }
    math.reach(scratch.center_rows.data(), scratch.n_cells, &packed_.tiles[first_column * packed_.depth],
               &packed_.product_starts[first_column], &packed_.own[first_column], packed_.n_tiles(c), packed_.depth,
               &scratch.reaches[b * kGroup]);
  }
}

// Of one of the group's cells toward each of the chunk's: -T as the start of a column, and |w| as its last feature.
void BlockScreen::write_bounds(int64_t a, int64_t chunk, double r, Scratch& scratch) const {
  const int64_t first = chunk * kChunk, count = std::min(kChunk, packed_.n() - first);
  const float own_limit = static_cast<float>(r * (1 + 1e-6)) + packed_.errors[scratch.first_cell + a];
  const float* const gaps = &scratch.gaps[a * kBlockColumns];
  float bounds[kChunk];
  // A float holds seven digits and no bound comes near 10^6: 1 covers what is rounded here.
  for (int64_t b = 0; b < count; ++b)
    bounds[b] =
        -gaps[b] * (own_limit + packed_.errors[first + b]) - static_cast<float>(scratch.reaches[b * kGroup + a]) - 1;
  std::fill(scratch.all_near.begin(), scratch.all_near.end(), 0);
  const int32_t largest_sum = screen_kernels().largest_sum;
  const auto largest = static_cast<float>(largest_bound());
  for (int64_t b = 0; b < count; ++b) {
    const bool all_near = scratch.reaches[b * kGroup + a] >= largest_sum || bounds[b] < -largest;
    scratch.all_near[b / 64] |= static_cast<uint64_t>(all_near) << b % 64;
    // Cut toward zero, which may raise a bound by less than the 1 it was lowered by.
    const auto bound = static_cast<int32_t>(std::clamp(bounds[b], -largest, largest));
    scratch.starts[b] = packed_.center_starts[first + b] - bound;
  }
  if (!packed_.has_spreads()) return;
  for (int64_t b = 0; b < count; ++b) scratch.gap_features[b] = static_cast<int8_t>(-gap_feature(gaps[b]));
  screen_kernels().set_feature(scratch.gap_features.data(), kChunk / screen_kernels().tile_columns,
                               packed_.bytes.depth(), packed_.depth, scratch.tiles.data());
}

void BlockScreen::ask_rows(int64_t a, int64_t chunk, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  const int64_t first = chunk * kChunk, n_columns = std::min(kChunk, packed_.n() - first);
  const int64_t n_words_of_columns = (n_columns + 63) / 64, n_tiles = n_words_of_columns * 64 / math.tile_columns;
  const int32_t first_row = scratch.first_row[a];
  const int64_t n_rows = scratch.first_row[a + 1] - first_row;
  math.pack_starts(scratch.starts.data(), n_tiles, scratch.packed_starts.data());
  math.select(&scratch.rows[first_row * packed_.row_words], &scratch.own[first_row], n_rows,
              packed_.has_spreads() ? scratch.tiles.data() : &packed_.center_tiles[first * packed_.depth],
              scratch.packed_starts.data(), n_tiles, packed_.depth, scratch.masks.data(), kWords);
  for (int64_t word = 0; word < n_words_of_columns; ++word)
    for (int64_t row = 0; row < n_rows; row += kMembersPerWord) {
      uint64_t answers[kMembersPerWord] = {};
      for (int64_t r = 0; r < std::min(kMembersPerWord, n_rows - row); ++r)
        answers[r] = scratch.masks[(row + r) * kWords + word] | scratch.all_near[word];
      transpose(answers);
      const int64_t at = scratch.first_word[a] + row / kMembersPerWord;
      for (int64_t b = word * 64; b < std::min(n_columns, (word + 1) * 64); ++b)
        scratch.near_rows[b * kMostWords + at] = answers[b % 64];
    }
}

// A cell is near itself: |w| and with it the bound are zero.
void BlockScreen::find_pairs(int64_t c, Scratch& scratch) const {
  const ScreenKernels& math = screen_kernels();
  const uint64_t* const near_rows = &scratch.near_rows[c % kChunk * kMostWords];
  scratch.near.clear();
  for (int64_t a = 0; a < scratch.n_cells && scratch.first_cell + a <= c; ++a)
    for (int32_t word = scratch.first_word[a]; word < scratch.first_word[a + 1]; ++word)
      for (uint64_t left = near_rows[word]; left != 0; left &= left - 1) {
        const auto row = (word - scratch.first_word[a]) * static_cast<int32_t>(kMembersPerWord) + __builtin_ctzll(left);
        scratch.near.push_back(scratch.first_row[a] + row);
      }
  const auto n_rows = static_cast<int64_t>(scratch.near.size());
  if (n_rows == 0) return;
  const int64_t row_words = packed_.row_words, spread_words = packed_.spread_words;
  const int64_t first_column = packed_.first_column(c), words = n_words(packed_.cells.size(c));
  scratch.gathered.resize(n_rows * row_words);
  scratch.gathered_limits.resize(n_rows);
  scratch.found.assign(n_rows * words, 0);
  for (int64_t r = 0; r < n_rows; ++r) {
    std::copy_n(&scratch.rows[scratch.near[r] * row_words], row_words, &scratch.gathered[r * row_words]);
    std::fill_n(&scratch.gathered[(r + 1) * row_words] - spread_words, spread_words, 0);
    scratch.gathered_limits[r] = scratch.limits[scratch.near[r]];
  }
  math.select(scratch.gathered.data(), scratch.gathered_limits.data(), n_rows,
              &packed_.tiles[first_column * packed_.depth], &packed_.starts[first_column], packed_.n_tiles(c),
              packed_.depth, scratch.found.data(), words);
  keep_hits(c, scratch);
}

// Of the rows of c itself, which stand last, only pairs with later members are wanted.
void BlockScreen::keep_hits(int64_t c, Scratch& scratch) const {
  const int64_t first = packed_.cells.offsets[c], words = n_words(packed_.cells.size(c));
  for (size_t r = 0; r < scratch.near.size(); ++r) {
    const int32_t row = scratch.near[r];
    const int64_t n_before = std::max<int64_t>(0, scratch.first_point + row - first + 1);
    for (int64_t word = n_before / kMembersPerWord; word < words; ++word) {
      uint64_t found = scratch.found[r * words + word];
      found &= ~lowest_bits(std::max<int64_t>(0, n_before - word * kMembersPerWord));
      for (; found != 0; found &= found - 1)
        scratch.hits.push_back({row, static_cast<int32_t>(first + word * kMembersPerWord + __builtin_ctzll(found))});
    }
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
  const Cells& cells = packed_.cells;
  const double r = packed_.bounds.reach(distance_threshold, packed_.bytes.leading());
  const int64_t n_sampled = std::min(kSampledCells, cells.n()), n_chunks = packed_.n_chunks();
  std::vector<double> left(n_sampled, 0.0), looked_at(n_sampled, 0.0);
  parallel_for(n_sampled, execution, [&](int64_t s, int thread) {
    Scratch& scratch = scratch_[thread];
    const int64_t a = s * cells.n() / n_sampled;
    begin(a, cells.offsets[a], cells.offsets[a + 1], r, scratch);
    for (int64_t t = s % kSampledChunks; t < n_chunks; t += std::max<int64_t>(1, n_chunks / kSampledChunks)) {
      find_near_cells(t, r, scratch);
      for (int64_t c = t * kChunk; c < std::min(cells.n(), (t + 1) * kChunk); ++c) {
        const uint64_t* const near_rows = &scratch.near_rows[c % kChunk * kMostWords];
        int64_t n_near = 0;
        for (int64_t word = 0; word < scratch.first_word[1]; ++word) n_near += __builtin_popcountll(near_rows[word]);
        left[s] += static_cast<double>(packed_.n_tiles(c) * screen_kernels().tile_columns * n_near);
        looked_at[s] += static_cast<double>(cells.size(c) * cells.size(a));
      }
    }
  });
  return std::accumulate(left.begin(), left.end(), 0.0) / std::accumulate(looked_at.begin(), looked_at.end(), 1.0);
}

}  // namespace bcl
