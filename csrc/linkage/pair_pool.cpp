#include "linkage/pair_pool.h"

#include <algorithm>

namespace bcl {
namespace {

constexpr int64_t kMostReserved = 1 << 26;  // address space, until it is written to

template <class Condition>
void erase_if(std::vector<ClusterPair>& pairs, const Condition& condition) {
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), condition), pairs.end());
}

int32_t largest_power_of_two_up_to(int32_t number) {
  int32_t power = 1;
  while (power <= number / 2) power *= 2;
  return power;
}

// Of pairs at the smallest distance that there is, those that come first by their ties, and that the others cannot
// change. Those with a tie below 2^k are the pairs within the blocks of 2^k first points that stand together. So where
// all of these are here, their clusters merge as if the others were not there; what a block's clusters become waits.
// Where there are none below the last power of two, a cluster has all its pairs with one other half of its block, the
// clusters of which are farther from each other: it merges once, in the order of the ties, and any number of them will
// do.
void keep_whole_blocks(std::vector<ClusterPair>& pairs, const CloserPair& closer) {
  int32_t largest = 0;
  for (const ClusterPair& pair : pairs) largest = std::max(largest, closer.tie(pair));
  const int32_t end = largest_power_of_two_up_to(largest);
  const auto is_beyond = [&](const ClusterPair& pair) { return closer.tie(pair) >= end; };
  if (!std::all_of(pairs.begin(), pairs.end(), is_beyond)) erase_if(pairs, is_beyond);
}

}  // namespace

PairPool::PairPool(int64_t max_pairs, double largest, const int32_t* firsts)
    : max_pairs_(max_pairs), closer_{firsts}, largest_(largest) {
  pairs_.reserve(std::min(2 * max_pairs + 1, kMostReserved));  // growing would copy
}

void PairPool::add(std::vector<ClusterPair>& found) {
  const std::lock_guard<std::mutex> lock(mutex_);
  add_locked(found);
  found.clear();
}

void PairPool::add_part(ClosestPairs part) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (part.was_cut) end_at(*std::max_element(part.pairs.begin(), part.pairs.end(), closer_));
  add_locked(part.pairs);
}

ClosestPairs PairPool::result() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (end_) {
    erase_if(pairs_, [this](const ClusterPair& pair) { return closer_(*end_, pair); });
    if (static_cast<int64_t>(pairs_.size()) > max_pairs_) cut();
  }
  return {std::move(pairs_), end_.has_value()};
}

// Complete linkage needs to know of all pairs of two clusters that they are no farther than a distance. Of those at the
// distance where a pool was cut some may be missing, so none of them is of use unless there are no others.
ClosestPairs PairPool::whole_result() {
  ClosestPairs found = result();
  if (!found.was_cut) return found;
  const auto is_last = [last = end_->distance](const ClusterPair& pair) { return pair.distance == last; };
  if (std::all_of(found.pairs.begin(), found.pairs.end(), is_last)) {
    keep_whole_blocks(found.pairs, closer_);
  } else {
    erase_if(found.pairs, is_last);
  }
  return found;
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
  std::nth_element(pairs_.begin(), pairs_.begin() + (max_pairs_ - 1), pairs_.end(), closer_);
  pairs_.resize(max_pairs_);
  end_at(pairs_.back());
}

void PairPool::end_at(const ClusterPair& pair) {
  if (end_ && !closer_(pair, *end_)) return;
  end_ = pair;
  largest_.store(std::min(largest(), pair.distance), std::memory_order_relaxed);
}

}  // namespace bcl
