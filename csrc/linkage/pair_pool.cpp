#include "linkage/pair_pool.h"

#include <algorithm>
#include <tuple>

namespace bcl {
namespace {

constexpr int64_t kMostReserved = 1 << 26;  // address space, until it is written to

// A total order, so that "the closest m pairs" is one set. Ties go to pairs that stand close together: their points
// then cluster in many places at once, where the first row's ties alone would make one star.
bool closer(const ClusterPair& a, const ClusterPair& b) {
  return std::make_tuple(a.distance, a.right - a.left, a.left) < std::make_tuple(b.distance, b.right - b.left, b.left);
}

}  // namespace

PairPool::PairPool(int64_t max_pairs, double largest) : max_pairs_(max_pairs), largest_(largest) {
  pairs_.reserve(std::min(2 * max_pairs + 1, kMostReserved));  // growing would copy
}

void PairPool::add(std::vector<ClusterPair>& found) {
  const std::lock_guard<std::mutex> lock(mutex_);
  add_locked(found);
  found.clear();
}

void PairPool::add_part(ClosestPairs part) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (part.was_cut) end_at(*std::max_element(part.pairs.begin(), part.pairs.end(), closer));
  add_locked(part.pairs);
}

// Of pairs that tie with the farthest some may be missing: a merge at that distance is right all the same, for there
// is none closer.
ClosestPairs PairPool::result() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (end_) {
    const auto is_beyond = [this](const ClusterPair& pair) { return closer(*end_, pair); };
    pairs_.erase(std::remove_if(pairs_.begin(), pairs_.end(), is_beyond), pairs_.end());
    if (static_cast<int64_t>(pairs_.size()) > max_pairs_) cut();
  }
  return {std::move(pairs_), end_.has_value()};
}

void PairPool::add_locked(const std::vector<ClusterPair>& found) {
  const auto largest = [this] { return largest_.load(std::memory_order_relaxed); };
  for (const ClusterPair& pair : found) {
    if (!(pair.distance <= largest())) continue;
    pairs_.push_back(pair);
    if (static_cast<int64_t>(pairs_.size()) > 2 * max_pairs_) cut();
  }
}

void PairPool::cut() {
  std::nth_element(pairs_.begin(), pairs_.begin() + (max_pairs_ - 1), pairs_.end(), closer);
  pairs_.resize(max_pairs_);
  end_at(pairs_.back());
}

void PairPool::end_at(const ClusterPair& pair) {
  if (end_ && !closer(pair, *end_)) return;
  end_ = pair;
  largest_.store(std::min(largest(), pair.distance), std::memory_order_relaxed);
}

}  // namespace bcl
