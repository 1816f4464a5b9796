// The margins of the ball loss: own and nearest other centroid of every row, as an epilogue of the tile walk.
#pragma once

#include <cmath>

#include "ball_loss/arrays.cuh"

namespace bcl::cuda {

template <class Block, class T, class Tile>
struct MarginsKernel {
  static constexpr int kSlots = Tile::kSlots, kParts = Tile::kWarpsAlongColumns;
  template <class V>
  using PerThread = typename Block::template PerThread<V>;

  // What a block keeps of its rows: the best score and its column, of each warp along the columns.
  struct Shared {
    typename Tile::Shared tile;
    typename Block::template Array<T, Tile::kRows * kParts> scores;
    typename Block::template Array<int32_t, Tile::kRows * kParts> columns;
    typename Block::template Array<double, kWarps * kMarginSums> sums;
    typename Block::template Array<double, 2> limits;  // b and gamma
  };

  // A thread's rows: their own classes, and the best scores so far.
  struct Best {
    Values<int32_t, kSlots> own, column;
    Values<T, kSlots> score;
  };

  static int64_t grid(const BallLossArrays<T>& a) { return (a.n + Tile::kRows - 1) / Tile::kRows; }

  static BCL_DEVICE void run(Block& block, Shared& shared, const BallLossArrays<T>& a) {
    const int64_t first = block.index() * Tile::kRows;
    const int n_tiles = static_cast<int>((a.k + Tile::kColumns - 1) / Tile::kColumns);
    PerThread<Best> best;
    block.each([&](int t) {
      if (t == 0) {
        const double raw = *a.raw, b = (raw > 0 ? raw : 0) + std::log1p(std::exp(-std::abs(raw)));
        shared.limits[0] = b;
        shared.limits[1] = 9 * b + a.margin;
      }
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        best[t].own.v[s] = class_of(a, first + Tile::row(t, s));
        best[t].column.v[s] = -1;
        best[t].score.v[s] = -kInfinity<T>;
      }
    });
    const auto first_column = [](int tile) { return static_cast<int64_t>(tile) * Tile::kColumns; };
    Tile::walk(block, shared.tile, {a.embeddings, a.n, a.d}, first, {a.centroids, a.k, a.d}, n_tiles, first_column,
               a.aligned, [&](auto& products, int tile) {
                 block.each([&](int t) { update(a, products[t], first_column(tile), t, best[t]); });
               });
    join_lanes(block, best);
    block.each([&](int t) {
      if (t % 4 != 0) return;
      const int part = t / kWarp % kParts;
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        shared.scores[Tile::row(t, s) * kParts + part] = best[t].score.v[s];
        shared.columns[Tile::row(t, s) * kParts + part] = best[t].column.v[s];
      }
    });
    block.sync();
    add_margins(block, shared, a, first);
  }

 private:
  // -1: beyond the rows, or a label out of range.
  static BCL_DEVICE int32_t class_of(const BallLossArrays<T>& a, int64_t i) {
    const int64_t label = i < a.n ? a.labels[i] : -1;
    return label >= 0 && label < a.k ? static_cast<int32_t>(label) : -1;
  }

  // The largest score, ties to the smaller column; a NaN is never the best.
  static BCL_DEVICE bool is_better(T score, int32_t column, T best, int32_t best_column) {
    return score > best || (score == best && column >= 0 && (best_column < 0 || column < best_column));
  }

  static BCL_DEVICE void update(const BallLossArrays<T>& a, const typename Tile::Products& products,
                                int64_t first_column, int t, Best& best) {
    const int32_t n_classes = static_cast<int32_t>(a.k);
    BCL_UNROLL
    for (int n = 0; n < Tile::kNTiles; ++n) {
      BCL_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int32_t c = static_cast<int32_t>(first_column) + Tile::column(t, n, i);
        const T start = c < n_classes ? a.starts[c] : -kInfinity<T>;
        BCL_UNROLL
        for (int s = 0; s < kSlots; ++s) {
          const T score = start + products.at[s / 2][n].v[s % 2 * 2 + i];
          if (!(score > best.score.v[s]) || c == best.own.v[s]) continue;
          best.score.v[s] = score;
          best.column.v[s] = c;
        }
      }
    }
  }

  // Four lanes hold the same rows.
  static BCL_DEVICE void join_lanes(Block& block, PerThread<Best>& best) {
    for (int mask = 1; mask < 4; mask *= 2) {
      BCL_UNROLL
      for (int s = 0; s < kSlots; ++s) {
        PerThread<T> score;
        block.exchange(
            mask, [&](int t) { return best[t].score.v[s]; }, [&](int t, T received) { score[t] = received; });
        block.exchange(
            mask, [&](int t) { return best[t].column.v[s]; },
            [&](int t, int32_t column) {
              if (!is_better(score[t], column, best[t].score.v[s], best[t].column.v[s])) return;
              best[t].score.v[s] = score[t];
              best[t].column.v[s] = column;
            });
      }
    }
  }

  struct Distances {
    T own, other;
  };

  // A warp per row. The two distances are taken again as differences: no cancellation, whatever the embeddings' norm.
  static BCL_DEVICE void add_margins(Block& block, Shared& shared, const BallLossArrays<T>& a, int64_t first) {
    PerThread<MarginSums> sums;
    PerThread<Distances> distances;
    PerThread<int32_t> nearest;
    const double b = shared.limits[0], gamma = shared.limits[1];
    block.each([&](int t) { sums[t] = {}; });
    for (int r = 0; r < Tile::kRows && first + r < a.n; r += kWarps) {
      block.each([&](int t) {
        const int64_t i = first + r + t / kWarp;
        nearest[t] = i < a.n ? find_nearest(shared, r + t / kWarp) : -1;
        distances[t] = i < a.n ? measure(a, i, nearest[t], t % kWarp) : Distances{};
      });
      block.warp_sum([&](int t) -> T& { return distances[t].own; });
      block.warp_sum([&](int t) -> T& { return distances[t].other; });
      block.each([&](int t) {
        const int64_t i = first + r + t / kWarp;
        if (i < a.n) add_row(a, i, distances[t], nearest[t], b, gamma, t % kWarp == 0, sums[t]);
      });
    }
    block.each([&](int t) {
      if (t % kWarp != 0) return;
      const MarginSums& s = sums[t];
      const double values[kMarginSums] = {s.similar, s.dissimilar, s.pulled, s.pushed, s.bad_labels};
      for (int v = 0; v < kMarginSums; ++v) shared.sums[t / kWarp * kMarginSums + v] = values[v];
    });
    block.sync();
    block.each([&](int t) {
      if (t >= kMarginSums) return;
      double total = 0;
      for (int warp = 0; warp < kWarps; ++warp) total += shared.sums[warp * kMarginSums + t];
      a.margin_sums[block.index() * kMarginSums + t] = total;
    });
  }

  static BCL_DEVICE int32_t find_nearest(Shared& shared, int row) {
    T best = -kInfinity<T>;
    int32_t nearest = -1;
    for (int part = 0; part < kParts; ++part) {
      const T score = shared.scores[row * kParts + part];
      const int32_t column = shared.columns[row * kParts + part];
      if (!is_better(score, column, best, nearest)) continue;
      best = score;
      nearest = column;
    }
    return nearest;
  }

  // A lane's part of the two squared distances.
  static BCL_DEVICE Distances measure(const BallLossArrays<T>& a, int64_t i, int32_t nearest, int lane) {
    const int32_t own = class_of(a, i);
    Distances sums{};
    for (int p = lane; p < a.d; p += kWarp) {
      const T f = a.embeddings[i * a.d + p];
      const T to_own = own < 0 ? T(0) : f - a.centroids[static_cast<int64_t>(own) * a.d + p];
      const T to_other = nearest < 0 ? T(0) : f - a.centroids[static_cast<int64_t>(nearest) * a.d + p];
      sums.own += to_own * to_own;
      sums.other += to_other * to_other;
    }
    return sums;
  }

  // !(x <= y): a NaN counts as violated and reaches the loss.
  static BCL_DEVICE void add_row(const BallLossArrays<T>& a, int64_t i, const Distances& distances, int32_t nearest,
                                 double b, double gamma, bool writes, MarginSums& sums) {
    const int32_t own = class_of(a, i);
    const bool pulled = own >= 0 && a.inverse_norms[own] != 0 && !(distances.own <= b);
    const bool pushed = nearest >= 0 && !(distances.other >= gamma);
    sums.similar += pulled ? distances.own - b : 0;
    sums.dissimilar += pushed ? gamma - distances.other : 0;
    sums.pulled += pulled;
    sums.pushed += pushed;
    sums.bad_labels += own < 0;
    if (!writes) return;
    a.pulled_to[i] = pulled ? own : -1;
    a.pushed_by[i] = pushed ? nearest : -1;
  }
};

}  // namespace bcl::cuda
