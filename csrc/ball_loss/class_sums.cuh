// Weighted sums of rows by class, in a fixed order, without sorting all rows or floating-point atomics.
//
// A block owns kClasses classes. It reads all keys, kChunk at a time, lists those of its classes, ascending; and when
// the list is full or the keys end, adds up what is listed: the list is sorted by class, cut into one part per warp
// whatever the classes, and each warp walks its part. A class that began in an earlier warp's part goes to a slot of
// its own, the warp's head, and is added in the order of the warps. So one large class keeps all warps busy too.
#pragma once

#include "cuda/block.cuh"

namespace bcl::cuda {

template <class Block, class T>
struct ClassSums {
  static constexpr int kClasses = kWarps, kListed = 2048, kKeys = 4, kChunk = kKeys * kThreads;
  static constexpr int kPerLane = 4, kFeatures = kPerLane * kWarp;
  template <class V, int n>
  using Array = typename Block::template Array<V, n>;
  template <class V>
  using PerThread = typename Block::template PerThread<V>;

  struct Shared {
    Array<int32_t, kListed> listed, sorted;  // numbers of keys
    Array<int8_t, kListed> classes;          // of those listed
    Array<int32_t, kKeys * kWarps> counts;
    Array<int32_t, kClasses> sizes;
    Array<int32_t, kClasses + 1> offsets;
    // By class, then the heads by warp.
    Array<T, 2 * kWarps * kFeatures> slots;
    Array<T, 2 * kWarps * kWarp> extras;
  };

  // What thread t knows in the end of class t / kWarp: its lane's share of the sum of source.extra, and the keys.
  struct Totals {
    T extra;
    int32_t count;
  };

  // sums[c] = sum over keys j with source.key(j) == c of source.weight(j) * source.row(j), for the block's classes from
  // first_class on; thread t writes features t % kWarp + 32 i of class first_class + t / kWarp, and nobody else reads
  // or writes them.
  template <class Source>
  static BCL_DEVICE PerThread<Totals> add(Block& block, Shared& shared, const Source& source, int64_t n_keys,
                                          int64_t first_class, int64_t n_classes, int d, T* sums /* [n_classes, d] */) {
    PerThread<Totals> totals;
    block.each([&](int t) {
      totals[t] = {};
      const int64_t c = first_class + t / kWarp;
      if (c < n_classes)
        for (int f = t % kWarp; f < d; f += kWarp) sums[c * d + f] = 0;
    });
    int n_listed = 0;
    for (int64_t first = 0; first < n_keys; first += kChunk) {
      n_listed += list(block, shared, source, first, n_keys, first_class, n_listed);
      if (n_listed <= kListed - kChunk && first + kChunk < n_keys) continue;
      if (n_listed > 0) {
        sort(block, shared, n_listed);
        for (int f = 0; f < d; f += kFeatures)
          add_features(block, shared, source, n_listed, first_class, n_classes, d, f, sums, totals);
        block.each([&](int t) { totals[t].count += shared.sizes[t / kWarp]; });
      }
      n_listed = 0;
    }
    return totals;
  }

 private:
  // Appends the keys [first, first + kChunk) that belong to the block; returns how many.
  template <class Source>
  static BCL_DEVICE int list(Block& block, Shared& shared, const Source& source, int64_t first, int64_t n_keys,
                             int64_t first_class, int n_listed) {
    PerThread<Values<int, kKeys>> classes;
    PerThread<Values<uint32_t, kKeys>> masks;
    block.each([&](int t) {
      BCL_UNROLL
      for (int q = 0; q < kKeys; ++q) {
        const int64_t j = first + q * kThreads + t;
        const int64_t c = (j < n_keys ? source.key(j) : -1) - first_class;
        classes[t].v[q] = c >= 0 && c < kClasses ? static_cast<int>(c) : -1;
      }
    });
    BCL_UNROLL
    for (int q = 0; q < kKeys; ++q) {
      auto mask = block.ballot([&](int t) { return classes[t].v[q] >= 0; });
      block.each([&](int t) {
        masks[t].v[q] = mask[t];
        if (t % kWarp == 0) shared.counts[q * kWarps + t / kWarp] = count_bits(mask[t]);
      });
    }
    block.sync();
    block.each([&](int t) {
      BCL_UNROLL
      for (int q = 0; q < kKeys; ++q) {
        if (classes[t].v[q] < 0) continue;
        int place = n_listed + count_bits(masks[t].v[q] & ((1u << t % kWarp) - 1));
        for (int i = 0; i < q * kWarps + t / kWarp; ++i) place += shared.counts[i];
        shared.listed[place] = static_cast<int32_t>(first + q * kThreads + t);
        shared.classes[place] = static_cast<int8_t>(classes[t].v[q]);
      }
    });
    int added = 0;
    BCL_UNROLL
    for (int i = 0; i < kKeys * kWarps; ++i) added += shared.counts[i];
    block.sync();
    return added;
  }

  // Stable: warp c collects the keys of class c.
  static BCL_DEVICE void sort(Block& block, Shared& shared, int n_listed) {
    PerThread<int> place;
    const auto is_own = [&](int first) {
      return block.ballot([&](int t) {
        const int e = first + t % kWarp;
        return e < n_listed && shared.classes[e] == t / kWarp;
      });
    };
    block.each([&](int t) { place[t] = 0; });
    for (int first = 0; first < n_listed; first += kWarp) {
      auto mask = is_own(first);
      block.each([&](int t) { place[t] += count_bits(mask[t]); });
    }
    block.each([&](int t) {
      if (t % kWarp == 0) shared.sizes[t / kWarp] = place[t];
    });
    block.sync();
    block.each([&](int t) {
      place[t] = 0;
      for (int c = 0; c < t / kWarp; ++c) place[t] += shared.sizes[c];
      if (t % kWarp == 0) shared.offsets[t / kWarp] = place[t];
      if (t == 0) shared.offsets[kClasses] = n_listed;
    });
    for (int first = 0; first < n_listed; first += kWarp) {
      auto mask = is_own(first);
      block.each([&](int t) {
        const int lane = t % kWarp;
        if (mask[t] >> lane & 1)
          shared.sorted[place[t] + count_bits(mask[t] & ((1u << lane) - 1))] = shared.listed[first + lane];
        place[t] += count_bits(mask[t]);
      });
    }
    block.sync();
  }

  // Warp w walks the entries [part(w), part(w + 1)) of the sorted list.
  static BCL_DEVICE int part(int warp, int n_listed) { return warp * n_listed / kWarps; }

  template <class Source>
  static BCL_DEVICE void add_features(Block& block, Shared& shared, const Source& source, int n_listed,
                                      int64_t first_class, int64_t n_classes, int d, int first_feature, T* sums,
                                      PerThread<Totals>& totals) {
    block.each([&](int t) {
      for (int slot = t / kWarp; slot < 2 * kWarps; slot += kWarps) {
        for (int q = 0; q < kPerLane; ++q) shared.slots[slot * kFeatures + q * kWarp + t % kWarp] = 0;
        shared.extras[slot * kWarp + t % kWarp] = 0;
      }
    });
    block.sync();
    block.each([&](int t) {
      const int warp = t / kWarp, begin = part(warp, n_listed), end = part(warp + 1, n_listed);
      for (int c = 0; c < kClasses; ++c) {
        const int start = shared.offsets[c], stop = shared.offsets[c + 1];
        const int from = start > begin ? start : begin, to = stop < end ? stop : end;
        const int slot = start < begin ? kWarps + warp : c;
        if (from < to) add_run(shared, source, from, to, d, first_feature, t % kWarp, slot);
      }
    });
    block.sync();
    block.each([&](int t) {
      const int c = t / kWarp, lane = t % kWarp;
      if (first_class + c >= n_classes) return;
      T* const row = sums + (first_class + c) * d + first_feature;
      for (int q = 0; q < kPerLane; ++q) {
        const int f = q * kWarp + lane;
        if (first_feature + f < d) row[f] += whole(shared, shared.slots, c, kFeatures, f, n_listed);
      }
      totals[t].extra += whole(shared, shared.extras, c, kWarp, lane, n_listed);
    });
    block.sync();
  }

  // The part of one class that one warp walks; a lane has every 32nd feature.
  template <class Source>
  static BCL_DEVICE void add_run(Shared& shared, const Source& source, int from, int to, int d, int first_feature,
                                 int lane, int slot) {
    T sum[kPerLane] = {}, extra = 0;
    BCL_UNROLL_BY(4)
    for (int e = from; e < to; ++e) {
      const int32_t j = shared.sorted[e];
      const T weight = source.weight(j);
      const T* const row = source.row(j);
      BCL_UNROLL
      for (int q = 0; q < kPerLane; ++q) {
        const int f = first_feature + q * kWarp + lane;
        const T x = f < d ? row[f] : T(0);
        sum[q] += weight * x;
        extra += source.extra(weight, x, f);
      }
    }
    BCL_UNROLL
    for (int q = 0; q < kPerLane; ++q) shared.slots[slot * kFeatures + q * kWarp + lane] = sum[q];
    shared.extras[slot * kWarp + lane] = extra;
  }

  // The class's own slot and the heads of the warps that went on with it.
  template <class Slots>
  static BCL_DEVICE T whole(Shared& shared, Slots& slots, int c, int stride, int at, int n_listed) {
    T sum = slots[c * stride + at];
    for (int warp = 1; warp < kWarps; ++warp) {
      const int begin = part(warp, n_listed);
      const bool has_head =
          begin < part(warp + 1, n_listed) && shared.offsets[c] < begin && begin < shared.offsets[c + 1];
      if (has_head) sum += slots[(kWarps + warp) * stride + at];
    }
    return sum;
  }
};

}  // namespace bcl::cuda
