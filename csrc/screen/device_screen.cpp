#include "screen/device_screen.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bcl {
namespace {

constexpr int64_t kMaskBytes = int64_t{1} << 26;  // a chunk's, one bit per pair
constexpr int64_t kRowsTogether = 128;            // rows of a tile
constexpr int64_t kMostRows = int64_t{1} << 13;

int64_t choose_rows(int64_t n) {
  const int64_t rows = kMaskBytes * 8 / std::max<int64_t>(n, 1) / kRowsTogether * kRowsTogether;
  return std::clamp(rows, kRowsTogether, kMostRows);
}

// A score misses x . y by at most `slack` (|x|^2 + |y|^2) / 2. Rounded to TF32, x and y miss 2^-11 each, their product
// 2^-10 and a little |x||y|. Tensor cores add 8 products and the sum so far, each cut to 24 bits beside the largest of
// them: 9 d / 8 errors of 2^-23 sum |x_p y_p|, for which 8 d are allowed. The rest is as on the CPU (ScaledPoints).
std::vector<float> starts_for_tf32(const ScaledPoints& points) {
  const double d = static_cast<double>(points.d());
  const double slack = 1.01 * std::ldexp(1.0, -10) + (10 * d + 100) * std::ldexp(1.0, -23);
  std::vector<float> starts(points.n());
  for (int64_t i = 0; i < points.n(); ++i) {
    double square = points.spread(i);
    for (int64_t p = 0; p < points.d(); ++p) square += static_cast<double>(points.row(i)[p]) * points.row(i)[p];
    starts[i] = static_cast<float>(-(1 - slack) * square / 2);
  }
  return starts;
}

}  // namespace

DeviceScreen::DeviceScreen(const ScaledPoints& points, int cuda_device)
    : DeviceScreen(points, [=](auto... arguments) { return make_cuda_pair_source(arguments..., cuda_device); }) {}

DeviceScreen::DeviceScreen(const ScaledPoints& points, const MakeSource& make_source, int64_t rows_per_chunk)
    : n_(points.n()),
      unit_(points.unit()),
      rows_per_chunk_(rows_per_chunk > 0 ? rows_per_chunk : choose_rows(points.n())) {
  if (points.n() > 0)
    source_ = make_source(points.row(0), starts_for_tf32(points).data(), points.n(), points.d(), rows_per_chunk_);
}

int64_t DeviceScreen::n_rows(int64_t number) const { return std::min(rows_per_chunk_, n_ - number * rows_per_chunk_); }

void DeviceScreen::begin(int64_t number) {
  if (number * rows_per_chunk_ >= n_ || begun_[number % 2] == number) return;
  const auto half_tau = static_cast<float>(unit_.scaled(distance_threshold_) / 2);
  source_->begin(number % 2, number * rows_per_chunk_, n_rows(number),
                 std::nextafter(half_tau, std::numeric_limits<float>::max()));
  begun_[number % 2] = number;
}

void DeviceScreen::produce() {
  begin(next_);
  begin(next_ + 1);
  const int slot = next_ % 2;
  begun_[slot] = -1;
  kept_.push_back(std::make_shared<Chunk>(Chunk{next_, n_rows(next_), source_->finish(slot)}));
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
  for (int64_t first = rows.first; first < rows.last;) {
    const int64_t number = first / rows_per_chunk_, start = number * rows_per_chunk_;
    const int64_t stop = std::min(rows.last, start + rows_per_chunk_);
    const std::shared_ptr<Chunk> chunk = take(number, distance_threshold);
    for (int64_t i = first; i < stop; ++i) {
      const int64_t* const offset = &chunk->pairs.offsets[i - start];
      if (offset[1] > offset[0]) found_asked(i, chunk->pairs.columns.data() + offset[0], offset[1] - offset[0]);
    }
    give_back(chunk, stop - first);
    first = stop;
  }
}

}  // namespace bcl
