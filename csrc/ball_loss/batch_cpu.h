// A batch of the ball loss on the CPU, step by step: class sums, centroids, margins (by rows, on the tile engine), the
// gradient of the centroids, that of the embeddings. ball_loss_cpu.cpp takes the steps of one batch one after the
// other, stages_cpu.cpp with sums over processes in between.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "ball_loss/ball_loss.h"
#include "ball_loss/class_index.h"
#include "ball_loss/unit_rows.h"
#include "distance/tiles.h"
#include "runtime/parallel.h"

namespace bcl {

constexpr int64_t kClassesPerTask = 8;

inline int64_t n_blocks(int64_t n, int64_t block) { return (n + block - 1) / block; }

template <class T>
struct BatchCpu {
  const T* given;  // the embeddings as they came
  const std::optional<UnitRows<T>> unit_rows;
  const T* embeddings;  // those that count: of unit length, if asked
  const int64_t* labels;
  const int64_t n, d;
  const CannotLink cannot_link;
  const BallLossOptions options;
  const Kernels<T>& math = kernels<T>();

  const Classes classes;
  const Groups members;
  const int64_t k = classes.n_classes;
  const double b, gamma;
  // Samples whose mean the loss is: these, or those of all processes.
  int64_t n_total = n;

  Panels<T> panels{math, k, d};
  std::vector<T> centroids = std::vector<T>(k * d);
  // 1 / |s_k| or 1 / n_k: what carries a gradient from the centroid to the class sum. 0: the class has no centroid.
  std::vector<T> inverse_norm = std::vector<T>(k);
  // v_i where the dissimilar part is violated, else -1; and whether the similar part is.
  std::vector<int32_t> pushed_by = std::vector<int32_t>(n);
  std::vector<uint8_t> pulled = std::vector<uint8_t>(n);

  BatchCpu(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, Classes all_classes,
           const CannotLink& cannot_link, double raw, const BallLossOptions& options)
      : given(embeddings),
        unit_rows(options.normalize ? std::make_optional<UnitRows<T>>(embeddings, n, d, options.n_threads)
                                    : std::nullopt),
        embeddings(unit_rows ? unit_rows->data() : embeddings),
        labels(labels),
        n(n),
        d(d),
        cannot_link(cannot_link),
        options(options),
        classes(std::move(all_classes)),
        members(group_by(classes.of_sample, classes.n_classes)),
        b(std::max(raw, 0.0) + std::log1p(std::exp(-std::abs(raw)))),
        gamma(9 * b + options.margin) {}

  const T* row(int64_t i) const { return embeddings + i * d; }
  const T* centroid(int64_t c) const { return centroids.data() + c * d; }

  // ---- class sums and centroids

  void compute_centroids() {
    for_each_centroid([&](int64_t c) {
      const T squares = add_class(c, &centroids[c * d]);
      finish_centroid(c, squares, static_cast<T>(members.size(c)));
    });
  }

  // The same from sums over processes, in the layout of compute_class_sums.
  void take_centroids(const T* sums) {
    std::copy(sums, sums + k * d, centroids.begin());
    for_each_centroid([&](int64_t c) { finish_centroid(c, sums[k * (d + 1) + c], sums[k * d + c]); });
  }

  // Of each class the sum of its samples, their number, and the sum of their squares.
  void compute_class_sums(T* sums /* [k, d], then [k], then [k] */) {
    const int64_t tasks = n_blocks(k, kClassesPerTask);
    parallel_for(tasks, options.n_threads, [&](int64_t task, int) {
      for (int64_t c = task * kClassesPerTask; c < std::min(k, (task + 1) * kClassesPerTask); ++c) {
        sums[k * (d + 1) + c] = add_class(c, sums + c * d);
        sums[k * d + c] = static_cast<T>(members.size(c));
      }
    });
  }

  template <class F>
  void for_each_centroid(const F& compute_centroid) {
    parallel_for(panels.n_panels(), options.n_threads, [&](int64_t panel, int) {
      const int64_t first = panels.first_column(panel);
      for (int64_t c = first; c < first + panels.n_columns(panel); ++c) compute_centroid(c);
      panels.pack(panel, centroid(first), d);
    });
    if (options.check_finite) check_centroids();
  }

  // Writes the sum of a class's samples, returns that of their squares.
  T add_class(int64_t c, T* sum) const {
    T squares = 0;
    std::fill(sum, sum + d, T(0));
    for (int32_t m = members.offsets[c]; m < members.offsets[c + 1]; ++m) {
      const T* f = row(members.order[m]);
      math.add(sum, f, d);
      squares += math.dot(f, f, d);
    }
    return squares;
  }

  // From the class's sum, which lies where the centroid goes.
  void finish_centroid(int64_t c, T squares, T count) {
    T* mean = &centroids[c * d];
    inverse_norm[c] = options.sphere ? inverse_length(mean, squares * count) : T(1) / count;
    math.scale(mean, inverse_norm[c], mean, d);
    if (inverse_norm[c] != 0) panels.start(c) = -math.dot(mean, mean, d) / 2;
  }

  // 1 / |s|, or 0 where s is zero up to the rounding of its sum: |s|^2 is at most n_k sum |f|^2 (Cauchy-Schwarz).
  T inverse_length(const T* sum, T largest_square) const {
    const T square = math.dot(sum, sum, d);
    if (!std::isfinite(square)) return std::numeric_limits<T>::quiet_NaN();
    const T rounding = 8 * std::numeric_limits<T>::epsilon();
    return square <= rounding * rounding * largest_square ? T(0) : 1 / std::sqrt(square);
  }

  // Anything that is not finite in a class, or overflows in its sum, shows in the square of its centroid.
  void check_centroids() {
    for (int64_t c = 0; c < k; ++c) {
      if (inverse_norm[c] == 0)
        throw std::invalid_argument("the embeddings of each class must not sum to zero on the sphere: those of " +
                                    describe_class(c) + " do, so it has no centroid");
      if (!std::isfinite(panels.start(c))) throw std::invalid_argument(describe_not_finite());
    }
  }

  std::string describe_class(int64_t c) const {
    if (members.size(c) == 0) return "a class of other processes";
    return "the class of sample " + std::to_string(members.order[members.offsets[c]]);
  }

  std::string describe_not_finite() const {
    for (int64_t i = 0; i < n; ++i)
      if (!std::all_of(given + i * d, given + (i + 1) * d, [](T x) { return std::isfinite(x); }))
        return "embeddings must be finite, got NaN or infinity in row " + std::to_string(i);
    if (n == n_total) return "embeddings are too large: a class sum overflows";
    return "embeddings must be finite and their class sums too: those of another process, or the sums over all, are "
           "not";
  }

  // ---- margins: own and nearest other centroid of every sample

  struct Sums {
    double similar = 0, dissimilar = 0;
    int64_t pulled = 0, pushed = 0;
  };

  Sums compute_margins() {
    const int64_t blocks = n_blocks(n, kBlockRows);
    std::vector<Sums> partial(blocks);
    std::vector<std::vector<T>> scratch(resolve_threads(options.n_threads, blocks));
    parallel_for(blocks, options.n_threads, [&](int64_t block, int thread) {
      if (scratch[thread].empty()) scratch[thread] = tile_scratch<T>();
      partial[block] =
          margins_of_rows(block * kBlockRows, std::min(n, (block + 1) * kBlockRows), scratch[thread].data());
    });
    Sums total;
    for (const Sums& s : partial) {
      total.similar += s.similar;
      total.dissimilar += s.dissimilar;
      total.pulled += s.pulled;
      total.pushed += s.pushed;
    }
    return total;
  }

  Sums margins_of_rows(int64_t first, int64_t last, T* scratch) {
    Sums sums;
    if (cannot_link.offsets != nullptr) {
      for (int64_t i = first; i < last; ++i) add_margins(i, nearest_listed(i), sums);
      return sums;
    }
    const int64_t m = last - first;
    T best[kBlockRows];
    int32_t nearest[kBlockRows];
    std::fill(best, best + m, -std::numeric_limits<T>::infinity());
    std::fill(nearest, nearest + m, -1);
    walk_tiles(math, row(first), d, m, panels, 0, scratch, [&](const T*, int64_t first_column, int64_t n_columns) {
      for (int64_t r = 0; r < m; ++r) {
        const int64_t own = classes.of_sample[first + r] - first_column;
        if (own >= 0 && own < n_columns) scratch[r * kBlockColumns + own] = -std::numeric_limits<T>::infinity();
      }
      math.update_best(scratch, kBlockColumns, m, n_columns, static_cast<int32_t>(first_column), best, nearest);
    });
    for (int64_t r = 0; r < m; ++r) add_margins(first + r, nearest[r], sums);
    return sums;
  }

  // The nearest centroid of the classes that cannot be one with sample i's, -1 if none is here; ties go to the first.
  int32_t nearest_listed(int64_t i) const {
    T best = std::numeric_limits<T>::infinity();
    int32_t nearest = -1;
    for (int64_t e = cannot_link.offsets[labels[i]]; e < cannot_link.offsets[labels[i] + 1]; ++e) {
      const int32_t c = classes.of_label[cannot_link.labels[e]];
      if (c < 0 || c == classes.of_sample[i] || inverse_norm[c] == 0) continue;
      const T distance = math.squared_distance(row(i), centroid(c), d);
      if (distance < best) {
        best = distance;
        nearest = c;
      }
    }
    return nearest;
  }

  // The two distances are taken again as differences: no cancellation, whatever the embeddings' norm.
  // !(x <= y): a NaN counts as violated and reaches the loss.
  void add_margins(int64_t i, int32_t nearest, Sums& sums) {
    const int32_t own = classes.of_sample[i];
    pulled[i] = 0;
    pushed_by[i] = -1;
    if (inverse_norm[own] != 0) {
      const double distance = math.squared_distance(row(i), centroid(own), d);
      if (!(distance <= b)) {
        pulled[i] = 1;
        sums.similar += distance - b;
        ++sums.pulled;
      }
    }
    if (nearest < 0) return;
    const double distance = math.squared_distance(row(i), centroid(nearest), d);
    if (!(distance >= gamma)) {
      pushed_by[i] = nearest;
      sums.dissimilar += gamma - distance;
      ++sums.pushed;
    }
  }

  // ---- gradient

  // Of all processes' samples, where `summed` has the sums of compute_centroid_gradients over them.
  void compute_gradient(T* gradient, const T* summed = nullptr) const {
    const Groups pushed = summed == nullptr ? group_by(pushed_by, k) : Groups{};
    for_each_class_with_scratch([&](int64_t c, T* through_sum) {
      if (summed == nullptr)
        add_centroid_gradient(c, pushed, through_sum);
      else
        std::copy(summed + c * d, summed + (c + 1) * d, through_sum);
      lead_through_sum(c, through_sum);
      gradient_of_members(c, through_sum, gradient);
    });
  }

  // What these samples give each dL/dmu_c.
  void compute_centroid_gradients(T* gradients /* [k, d] */) const {
    const Groups pushed = group_by(pushed_by, k);
    for_each_class_with_scratch([&](int64_t c, T*) { add_centroid_gradient(c, pushed, gradients + c * d); });
  }

  template <class F>
  void for_each_class_with_scratch(const F& f) const {
    const int64_t tasks = n_blocks(k, kClassesPerTask);
    std::vector<std::vector<T>> scratch(resolve_threads(options.n_threads, tasks));
    parallel_for(tasks, options.n_threads, [&](int64_t task, int thread) {
      scratch[thread].resize(d);
      for (int64_t c = task * kClassesPerTask; c < std::min(k, (task + 1) * kClassesPerTask); ++c)
        f(c, scratch[thread].data());
    });
  }

  // The factors of a violated dissimilar part and of a violated similar one.
  T push_unit() const { return T(2.0 / n_total); }
  T pull_unit() const { return T(options.alpha) * push_unit(); }

  // What class c's members receive through their centroid, then each member's own pull and push.
  void gradient_of_members(int64_t c, const T* through_sum, T* gradient) const {
    for (int32_t m = members.offsets[c]; m < members.offsets[c + 1]; ++m) {
      const int64_t i = members.order[m];
      const T p = pulled[i] ? pull_unit() : T(0), q = pushed_by[i] >= 0 ? push_unit() : T(0);
      // (p - q) f_i - p mu_c + q mu_v + through_sum
      math.combine(gradient + i * d, p - q, row(i), -p, centroid(c), through_sum, d);
      if (q != 0) math.axpy(gradient + i * d, q, centroid(pushed_by[i]), d);
      if (unit_rows) unit_rows->pull_back(i, gradient + i * d);
    }
  }

  // g = dL/dmu_c, as far as it comes from these samples.
  void add_centroid_gradient(int64_t c, const Groups& pushed, T* g) const {
    const T unit = push_unit(), pull = pull_unit();
    std::fill(g, g + d, T(0));
    T weight = 0;
    for (int32_t m = members.offsets[c]; m < members.offsets[c + 1]; ++m) {
      if (!pulled[members.order[m]]) continue;
      math.axpy(g, -pull, row(members.order[m]), d);
      weight += pull;
    }
    for (int32_t m = pushed.offsets[c]; m < pushed.offsets[c + 1]; ++m) {
      math.axpy(g, unit, row(pushed.order[m]), d);
      weight -= unit;
    }
    math.axpy(g, weight, centroid(c), d);
  }

  // dL/ds_c = (g - mu (mu . g)) / |s_c| on the sphere, g / n_c else.
  void lead_through_sum(int64_t c, T* g) const {
    if (options.sphere) math.axpy(g, -math.dot(centroid(c), g, d), centroid(c), d);
    math.scale(g, inverse_norm[c], g, d);
  }

  // ---- summary

  BallLossSummary<T> summarize(const Sums& sums, double raw) const {
    const double n = static_cast<double>(n_total);
    const double similar = sums.similar / n, dissimilar = sums.dissimilar / n;
    const double pulled = static_cast<double>(sums.pulled) / n, pushed = static_cast<double>(sums.pushed) / n;
    const double sigmoid = 1 / (1 + std::exp(-raw));
    return {T(options.alpha * similar + dissimilar),           T(similar), T(dissimilar), T(pulled), T(pushed),
            T((9 * pushed - options.alpha * pulled) * sigmoid)};
  }
};

}  // namespace bcl
