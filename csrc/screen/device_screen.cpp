#include "screen/device_screen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace bcl {
namespace {

// Of a chunk: tiles that its rows are asked about, in all, each of 2 KB for one bit per pair; and tiles of rows.
constexpr int64_t kMostAsked = int64_t{1} << 15, kMostTiles = int64_t{1} << 6;

int64_t choose_tiles_per_chunk(const PointTiles& tiles) {
  const double asked_per_tile = tiles.share_left * static_cast<double>(tiles.n()) + 1;
  const int64_t most = tiles.has_bounds() ? kTilePoints : kMostTiles;  // the rows of a tile of the bounds' products
  return std::clamp<int64_t>(static_cast<int64_t>(kMostAsked / asked_per_tile), 1, most);
}

// A score misses x . y by at most `slack` (|x|^2 + |y|^2) / 2.
std::vector<float> starts_for_tf32(const ScaledPoints& points) {
  const double slack = tf32_slack(points.d());
  std::vector<float> starts(points.n());
  for (int64_t i = 0; i < points.n(); ++i) {
    double square = points.spread(i);
    for (int64_t p = 0; p < points.d(); ++p) square += static_cast<double>(points.row(i)[p]) * points.row(i)[p];
    starts[i] = static_cast<float>(-(1 - slack) * square / 2);
  }
  return starts;
}

void append_bits(const uint32_t* words, int64_t n_words, std::vector<int32_t>& numbers) {
  for (int64_t w = 0; w < n_words; ++w)
    for (uint32_t left = words[w]; left != 0; left &= left - 1)
      numbers.push_back(static_cast<int32_t>(w * kWordBits + __builtin_ctz(left)));
}

float rounded_up(double x) { return std::nextafter(static_cast<float>(x), std::numeric_limits<float>::max()); }

}  // namespace

DeviceScreen::DeviceScreen(const ScaledPoints& points, PointTiles tiles, int cuda_device)
    : DeviceScreen(points, std::move(tiles),
                   [=](const TiledPoints& tiled) { return make_cuda_pair_source(tiled, cuda_device); }) {}

DeviceScreen::DeviceScreen(const ScaledPoints& points, PointTiles tiles, const MakeSource& make_source,
                           int64_t tiles_per_chunk)
    : tiles_(std::move(tiles)),
      unit_(points.unit()),
      tiles_per_chunk_(tiles_per_chunk > 0 ? tiles_per_chunk : choose_tiles_per_chunk(tiles_)) {
  if (points.n() == 0) return;
  const std::vector<float> starts = starts_for_tf32(points);
  source_ = make_source(tiles_.of(points, starts.data()));
}

TileList DeviceScreen::tiles_to_ask(int64_t number) {
  TileList list;
  list.first_tile = first_tile(number);
  const int64_t n_rows = first_tile(number + 1) - list.first_tile, n_words = near_words(tiles_.n());
  std::vector<uint32_t> near;
  if (tiles_.has_bounds())
    near = source_->near_tiles(list.first_tile, n_rows, rounded_up(unit_.scaled(distance_threshold_)));
  for (int64_t t = 0; t < n_rows; ++t) {
    if (tiles_.has_bounds()) {
      append_bits(&near[t * n_words], n_words, list.columns);
    } else {
      for (int64_t u = list.first_tile + t; u < tiles_.n(); ++u) list.columns.push_back(static_cast<int32_t>(u));
    }
    list.offsets.push_back(static_cast<int64_t>(list.columns.size()));
  }
  return list;
}

void DeviceScreen::begin(int64_t number) {
  if (first_tile(number) == tiles_.n() || begun_[number % 2] == number) return;
  source_->begin(static_cast<int>(number % 2), tiles_to_ask(number), rounded_up(unit_.scaled(distance_threshold_) / 2));
  begun_[number % 2] = number;
}

void DeviceScreen::produce() {
  begin(next_);
  begin(next_ + 1);
  const int slot = next_ % 2;
  begun_[slot] = -1;
  const int64_t n_rows = first_row(next_ + 1) - first_row(next_);
  kept_.push_back(std::make_shared<Chunk>(Chunk{next_, n_rows, source_->finish(slot)}));
  ++next_;
}

std::shared_ptr<DeviceScreen::Chunk> DeviceScreen::take(int64_t number, double distance_threshold) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto find = [&] {
    return std::find_if(kept_.begin(), kept_.end(), [&](const auto& chunk) { return chunk->number == number; });
  };
  // What was found for a larger threshold will do: it holds more pairs, none fewer. Else, and for rows walked before,
  // anew.
  if (distance_threshold > distance_threshold_ || (number < next_ && find() == kept_.end())) {
    kept_.clear();
    if (distance_threshold > distance_threshold_) begun_[0] = begun_[1] = -1;
    distance_threshold_ = std::max(distance_threshold, distance_threshold_);
    next_ = number;
  }
  while (next_ <= number) produce();
  return *find();
}

void DeviceScreen::give_back(const std::shared_ptr<Chunk>& chunk, int64_t n_rows) {
  const std::lock_guard<std::mutex> lock(mutex_);
  chunk->rows_left -= n_rows;
  if (chunk->rows_left == 0) kept_.erase(std::remove(kept_.begin(), kept_.end(), chunk), kept_.end());
}

void DeviceScreen::walk(const WalkedRows& rows, double distance_threshold, int, const Found& found) {
  const Found found_asked = asked_about(rows, found);
  for (int64_t i = rows.first; i < rows.last;) {
    const int64_t number = tiles_.tile_of(i) / tiles_per_chunk_;
    const int64_t first = i, stop = std::min<int64_t>(rows.last, first_row(number + 1));
    const std::shared_ptr<Chunk> chunk = take(number, distance_threshold);
    int64_t tile = tiles_.tile_of(i);
    for (; i < stop; ++i) {
      while (i >= tiles_.offsets[tile + 1]) ++tile;
      const int64_t place = (tile - first_tile(number)) * kTilePoints + i - tiles_.offsets[tile];
      const int64_t* const offset = &chunk->pairs.offsets[place];
      if (offset[1] > offset[0]) found_asked(i, chunk->pairs.columns.data() + offset[0], offset[1] - offset[0]);
    }
    give_back(chunk, stop - first);
  }
}

}  // namespace bcl
