// The CUDA kernels on the host, for tests/core/cuda/test_*_on_host.py: plain functions, for ctypes. A test
// compiles this file.
#include <string>

#include "ball_loss/class_kernels.cuh"
#include "ball_loss/finish_kernels.cuh"
#include "ball_loss/margins_kernel.cuh"
#include "runtime/execution.h"
#include "screen/device_screen.h"
#include "screen/pair_mask_kernels.cuh"
#include "screen/point_tiles.h"
#include "screen/tile_bound_kernels.cuh"
#include "simulated_block.h"

namespace {

using namespace bcl;
using namespace bcl::cuda;

// Runs `task`; returns null, or what was wrong.
template <class Task>
const char* describe_failure(Task&& task) {
  static thread_local std::string message;
  try {
    task();
    return nullptr;
  } catch (const std::exception& error) {
    message = error.what();
    return message.c_str();
  }
}

template <class Tile, class T>
void simulate_ball_loss(BallLossArrays<T> a, int seed) {
  a.n_margin_blocks = MarginsKernel<SimulatedBlock, T, Tile>::grid(a);
  simulate<CentroidsKernel, T>(a, seed);
  simulate<MarginsKernel, T, Tile>(a, seed);
  if (a.gradient != nullptr) simulate<ThroughSumsKernel, T>(a, seed);
  simulate<FinishKernel, T>(a, seed);
}

template <class T>
BallLossArrays<T> arrays_of(const T* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t k, const T* raw,
                            bool sphere, bool check_finite, T* gradient, T* summary, std::vector<double>& scratch) {
  BallLossOptions options;
  options.sphere = sphere;
  options.check_finite = check_finite;
  BallLossArrays<T> a = make_arrays(embeddings, labels, n, d, k, raw, options, gradient, summary);
  scratch.assign(place_scratch(a, nullptr) / sizeof(double) + 2, kNaN<double>);  // nothing may be read unwritten
  const size_t offset = reinterpret_cast<uintptr_t>(scratch.data()) % 16 / sizeof(double);
  place_scratch(a, scratch.data() + offset);
  return a;
}

// A batch cut into shares, each with what its process would have: the kernels stage by stage, and what the shares write
// added up in between.
template <class Tile, class T>
void simulate_shares(std::vector<BallLossArrays<T>>& shares, int64_t n, int seed) {
  const int64_t k = shares[0].k, d = shares[0].d;
  std::vector<T> sums(k * (d + 2)), gradients(k * d);
  std::vector<double> totals(kTotals);
  const auto add_up = [&](auto& total, auto BallLossArrays<T>::* part, const auto& stage) {
    auto share_of = total;
    std::fill(total.begin(), total.end(), 0);
    for (BallLossArrays<T>& a : shares) {
      std::fill(share_of.begin(), share_of.end(), kNaN<T>);
      a.*part = share_of.data();
      stage(a);
      for (size_t i = 0; i < total.size(); ++i) total[i] += share_of[i];
    }
    for (BallLossArrays<T>& a : shares) a.*part = total.data();
  };
  for (BallLossArrays<T>& a : shares) a.n_total = n;
  add_up(sums, &BallLossArrays<T>::class_sums, [&](auto& a) { simulate<ClassSumsKernel, T>(a, seed); });
  for (BallLossArrays<T>& a : shares) {
    simulate<SummedCentroidsKernel, T>(a, seed);
    a.n_margin_blocks = MarginsKernel<SimulatedBlock, T, Tile>::grid(a);
    simulate<MarginsKernel, T, Tile>(a, seed);
  }
  add_up(totals, &BallLossArrays<T>::totals, [&](auto& a) { simulate<MarginTotalsKernel, T>(a, seed); });
  add_up(gradients, &BallLossArrays<T>::centroid_gradients,
         [&](auto& a) { simulate<CentroidGradientsKernel, T>(a, seed); });
  for (BallLossArrays<T>& a : shares) {
    a.n_margin_blocks = 0;  // as where the last stage starts anew
    simulate<ThroughSummedKernel, T>(a, seed);
    simulate<FinishKernel, T>(a, seed);
  }
}

// Share r has the rows [cuts[r], cuts[r + 1]), and its own summary.
template <class Tile, class T>
const char* shares(const T* embeddings, const int64_t* labels, const int64_t* cuts, int64_t n_shares, int64_t d,
                   int64_t k, const T* raw, bool sphere, T* gradient, T* summaries /* [n_shares, 6] */, int seed) {
  return describe_failure([&] {
    std::vector<std::vector<double>> scratch(n_shares);
    std::vector<BallLossArrays<T>> arrays;
    for (int64_t r = 0; r < n_shares; ++r)
      arrays.push_back(arrays_of(embeddings + cuts[r] * d, labels + cuts[r], cuts[r + 1] - cuts[r], d, k, raw, sphere,
                                 false, gradient + cuts[r] * d, summaries + 6 * r, scratch[r]));
    simulate_shares<Tile>(arrays, cuts[n_shares], seed);
  });
}

// Every product of a tile walk, to be compared one by one.
template <class Block, class T, class Tile>
struct ProductsKernel {
  struct Shared {
    typename Tile::Shared tile;
  };
  struct Arrays {
    Matrix<T> rows, columns;
    T* products;  // [rows.n, columns.n]
  };
  static int64_t grid(const Arrays& a) { return (a.rows.n + Tile::kRows - 1) / Tile::kRows; }
  static void run(Block& block, Shared& shared, const Arrays& a) {
    const int64_t first = block.index() * Tile::kRows;
    const int n_tiles = static_cast<int>((a.columns.n + Tile::kColumns - 1) / Tile::kColumns);
    const bool aligned = is_aligned(a.rows.values, a.rows.d) && is_aligned(a.columns.values, a.rows.d);
    const auto first_column = [](int tile) { return static_cast<int64_t>(tile) * Tile::kColumns; };
    Tile::walk(block, shared.tile, a.rows, first, a.columns, n_tiles, first_column, aligned,
               [&](auto& products, int tile) {
                 block.each([&](int t) { store(a, products[t], first, first_column(tile), t); });
               });
  }
  static void store(const Arrays& a, const typename Tile::Products& products, int64_t first, int64_t first_column,
                    int t) {
    for (int s = 0; s < Tile::kSlots; ++s)
      for (int n = 0; n < Tile::kNTiles; ++n)
        for (int i = 0; i < 2; ++i) {
          const int64_t r = first + Tile::row(t, s), c = first_column + Tile::column(t, n, i);
          const T value = products.at[s / 2][n].v[s % 2 * 2 + i];
          if (r < a.rows.n && c < a.columns.n) {
            a.products[r * a.columns.n + c] = value;
          } else if (value != 0) {
            throw std::logic_error("a product outside the matrices is not zero");
          }
        }
  }
};

template <class Tile, class T>
const char* products(const T* rows, int64_t n, const T* columns, int64_t k, int d, T* out, int seed) {
  return describe_failure([&] {
    using Kernel = ProductsKernel<SimulatedBlock, T, Tile>;
    simulate<ProductsKernel, T, Tile>(typename Kernel::Arrays{{rows, n, d}, {columns, k, d}, out}, seed);
  });
}

template <class T>
const char* scale(const T* values, int64_t n, const T* last, const T* factor, T* out, T* last_out, int seed) {
  return describe_failure([&] {
    simulate<ScaleKernel, T>(typename ScaleKernel<SimulatedBlock, T>::Arrays{values, n, last, factor, out, last_out},
                             seed);
  });
}

// As CudaPairSource, with what a device would hold in vectors. A list is worked on when it is begun.
class SimulatedPairSource : public PairSource {
 public:
  SimulatedPairSource(const TiledPoints& points, int seed) : given_(points), seed_(seed) {
    const auto keep = [&](auto& values, const auto*& given, int64_t size) {
      if (given == nullptr) return;
      values.assign(given, given + size);
      given = values.data();
    };
    keep(points_, given_.points, points.n * points.d);
    keep(starts_, given_.starts, points.n);
    keep(tile_offsets_, given_.tile_offsets, points.n_tiles + 1);
    keep(centers_, given_.centers, points.n_tiles * points.d);
    keep(center_products_, given_.center_products, points.n);
    keep(errors_, given_.errors, points.n_tiles);
    keep(spreads_, given_.spreads, points.n_tiles);
  }

  std::vector<uint32_t> near_tiles(int64_t first_tile, int64_t n_tiles, float tau) override {
    const int64_t n_words = near_words(given_.n_tiles), others = given_.n_tiles - first_tile;
    std::vector<float> from_rows(n_tiles * others, kNaN<float>), to_rows = from_rows;  // a NaN would be near
    std::vector<uint32_t> near(n_tiles * n_words, 0xa5a5a5a5u);
    const TileBoundArrays a{
        given_,           is_aligned(given_.points, given_.d) && is_aligned(given_.centers, given_.d),
        first_tile,       n_tiles,
        n_words,          tau,
        from_rows.data(), to_rows.data(),
        near.data()};
    simulate<ReachKernel, FromRows>(a, seed_);
    simulate<ReachKernel, ToRows>(a, seed_);
    for (int64_t i = 0; i < n_tiles * others; ++i)
      if (std::isnan(from_rows[i]) || std::isnan(to_rows[i])) throw std::logic_error("a reach was not written");
    simulate<NearTilesKernel>(a, seed_);
    return near;
  }

  void begin(int slot_number, const TileList& list, float half_tau) override {
    Slot& slot = slots_[slot_number];
    slot.list = list;
    slot.runs = runs_of(list);
    const int64_t n_places = list.n_tiles() * kTilePoints;
    slot.mask.assign(list.columns.size() * kTilePoints * kTileWords, 0xa5a5a5a5u);
    slot.counts.assign(n_places, -1);
    slot.offsets.assign(n_places + 1, -1);
    PairMaskArrays& a = slot.arrays;
    a.given = given_;
    a.aligned = is_aligned(given_.points, given_.d);
    a.half_tau = half_tau;
    a.first_tile = list.first_tile;
    a.n_places = n_places;
    a.entries = slot.list.offsets.data();
    a.listed = slot.list.columns.data();
    a.runs = slot.runs.data();
    a.n_runs = static_cast<int64_t>(slot.runs.size());
    a.mask = slot.mask.data();
    a.counts = slot.counts.data();
    a.offsets = slot.offsets.data();
    simulate<MaskKernel>(a, seed_);
    simulate<CountKernel>(a, seed_);
    simulate<ScanKernel>(a, seed_);
  }

  RowPairs finish(int slot_number) override {
    PairMaskArrays& a = slots_[slot_number].arrays;
    RowPairs pairs;
    pairs.offsets.assign(a.offsets, a.offsets + a.n_places + 1);
    pairs.columns.resize(pairs.offsets.back());
    a.columns = pairs.columns.data();
    simulate<FillKernel>(a, seed_);
    return pairs;
  }

 private:
  struct Slot {
    TileList list;
    std::vector<TileRun> runs;
    std::vector<uint32_t> mask;
    std::vector<int32_t> counts;
    std::vector<int64_t> offsets;
    PairMaskArrays arrays;
  };
  TiledPoints given_;
  std::vector<float> points_, starts_, centers_, center_products_, errors_, spreads_;
  std::vector<int32_t> tile_offsets_;
  const int seed_;
  Slot slots_[2];
};

ScaledPoints scaled_points(const double* points, const double* spreads, int64_t n, int64_t d) {
  if (spreads == nullptr) return ScaledPoints(points, nullptr, n, d, Execution{1});
  return ScaledPoints(
      n, d, [&](int64_t i, double* x) { std::copy_n(points + i * d, d, x); }, [&](int64_t i) { return spreads[i]; },
      Execution{1});
}

// passed[i, j] is counted up for each candidate pair. Tasks of `step` rows, on threads, for the first and then the
// second tau.
const char* screen(const ScaledPoints& points, const PointTiles& tiles, double first_tau, double second_tau,
                   int64_t tiles_per_chunk, int64_t step, uint8_t* passed, int seed) {
  return describe_failure([&] {
    const int64_t n = points.n();
    const auto make_source = [&](const TiledPoints& tiled) {
      return std::make_unique<SimulatedPairSource>(tiled, seed);
    };
    DeviceScreen screen(points, tiles, make_source, tiles_per_chunk);
    for (const double tau : {first_tau, second_tau}) {
      std::fill(passed, passed + n * n, 0);
      parallel_for((n + step - 1) / step, Execution{3}, [&](int64_t task, int thread) {
        screen.walk({task * step, std::min(n, (task + 1) * step)}, tau, thread,
                    [&](int64_t i, const int32_t* columns, int64_t count) {
                      if (!std::is_sorted(columns, columns + count)) throw std::logic_error("columns out of order");
                      for (int64_t c = 0; c < count; ++c) ++passed[i * n + columns[c]];
                    });
      });
    }
  });
}

}  // namespace

extern "C" {

const char* products_small(const float* rows, int64_t n, const float* columns, int64_t k, int d, float* out, int seed) {
  return products<SmallTile<SimulatedBlock, float>>(rows, n, columns, k, d, out, seed);
}
const char* products_large(const float* rows, int64_t n, const float* columns, int64_t k, int d, float* out, int seed) {
  return products<LargeTile<SimulatedBlock, float>>(rows, n, columns, k, d, out, seed);
}
const char* products_float64(const double* rows, int64_t n, const double* columns, int64_t k, int d, double* out,
                             int seed) {
  return products<SmallTile<SimulatedBlock, double>>(rows, n, columns, k, d, out, seed);
}

const char* ball_loss_float32(const float* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t k,
                              const float* raw, bool sphere, bool check_finite, float* gradient, float* summary,
                              bool large, int seed) {
  return describe_failure([&] {
    std::vector<double> scratch;
    const auto a = arrays_of(embeddings, labels, n, d, k, raw, sphere, check_finite, gradient, summary, scratch);
    if (large) return simulate_ball_loss<LargeTile<SimulatedBlock, float>>(a, seed);
    simulate_ball_loss<SmallTile<SimulatedBlock, float>>(a, seed);
  });
}
const char* ball_loss_float64(const double* embeddings, const int64_t* labels, int64_t n, int64_t d, int64_t k,
                              const double* raw, bool sphere, bool check_finite, double* gradient, double* summary,
                              bool, int seed) {
  return describe_failure([&] {
    std::vector<double> scratch;
    simulate_ball_loss<SmallTile<SimulatedBlock, double>>(
        arrays_of(embeddings, labels, n, d, k, raw, sphere, check_finite, gradient, summary, scratch), seed);
  });
}

const char* ball_loss_shares_float32(const float* embeddings, const int64_t* labels, const int64_t* cuts,
                                     int64_t n_shares, int64_t d, int64_t k, const float* raw, bool sphere,
                                     float* gradient, float* summaries, int seed) {
  return shares<SmallTile<SimulatedBlock, float>>(embeddings, labels, cuts, n_shares, d, k, raw, sphere, gradient,
                                                  summaries, seed);
}
const char* ball_loss_shares_float64(const double* embeddings, const int64_t* labels, const int64_t* cuts,
                                     int64_t n_shares, int64_t d, int64_t k, const double* raw, bool sphere,
                                     double* gradient, double* summaries, int seed) {
  return shares<SmallTile<SimulatedBlock, double>>(embeddings, labels, cuts, n_shares, d, k, raw, sphere, gradient,
                                                   summaries, seed);
}

const char* screen_float32(const float* points, int64_t n, int64_t d, double first_tau, double second_tau,
                           int64_t tiles_per_chunk, int64_t step, uint8_t* passed, int seed) {
  return screen(ScaledPoints(points, nullptr, n, d, Execution{1}), PointTiles(n), first_tau, second_tau,
                tiles_per_chunk, step, passed, seed);
}
const char* screen_float64(const double* points, int64_t n, int64_t d, double first_tau, double second_tau,
                           int64_t tiles_per_chunk, int64_t step, uint8_t* passed, int seed) {
  return screen(scaled_points(points, nullptr, n, d), PointTiles(n), first_tau, second_tau, tiles_per_chunk, step,
                passed, seed);
}
// Points in groups, with spreads or null.
const char* screen_groups(const double* points, const double* spreads, int64_t n, int64_t d,
                          const int64_t* group_offsets, int64_t n_groups, double first_tau, double second_tau,
                          int64_t tiles_per_chunk, int64_t step, uint8_t* passed, int seed) {
  const ScaledPoints scaled = scaled_points(points, spreads, n, d);
  const PointTiles tiles(scaled, {group_offsets, group_offsets + n_groups + 1}, Execution{1});
  return screen(scaled, tiles, first_tau, second_tau, tiles_per_chunk, step, passed, seed);
}
// near[t, u] for the tiles u >= t of the groups, and the share of a sample. The offsets of the tiles go to
// tile_offsets, which has room for n + 1, and their number to n_tiles.
const char* near_tiles(const double* points, const double* spreads, int64_t n, int64_t d, const int64_t* group_offsets,
                       int64_t n_groups, double tau, int32_t* tile_offsets, int64_t* n_tiles, uint8_t* near,
                       double* share, int seed) {
  return describe_failure([&] {
    const ScaledPoints scaled = scaled_points(points, spreads, n, d);
    const PointTiles tiles(scaled, {group_offsets, group_offsets + n_groups + 1}, Execution{1});
    std::copy(tiles.offsets.begin(), tiles.offsets.end(), tile_offsets);
    *n_tiles = tiles.n();
    *share = tiles.sampled_share(scaled, tau, Execution{1});
    SimulatedPairSource source(tiles.of(scaled, nullptr), seed);
    const auto bits = source.near_tiles(0, tiles.n(), static_cast<float>(scaled.scaled(tau)));
    for (int64_t t = 0; t < tiles.n(); ++t)
      for (int64_t u = t; u < tiles.n(); ++u)
        near[t * tiles.n() + u] = bits[t * near_words(tiles.n()) + u / kWordBits] >> u % kWordBits & 1;
  });
}

// The tiles that were chosen, and 1 at has_bounds where pairs of them are bounded.
const char* choose_tiles(const double* points, int64_t n, int64_t d, const int64_t* group_offsets, int64_t n_groups,
                         double tau, int64_t* n_tiles, uint8_t* has_bounds) {
  return describe_failure([&] {
    const ScaledPoints scaled = scaled_points(points, nullptr, n, d);
    const PointTiles tiles =
        PointTiles::choose(scaled, {group_offsets, group_offsets + n_groups + 1}, tau, Execution{1});
    *n_tiles = tiles.n();
    *has_bounds = tiles.has_bounds();
  });
}

const char* scale_float32(const float* values, int64_t n, const float* last, const float* factor, float* out,
                          float* last_out, int seed) {
  return scale(values, n, last, factor, out, last_out, seed);
}
const char* scale_float64(const double* values, int64_t n, const double* last, const double* factor, double* out,
                          double* last_out, int seed) {
  return scale(values, n, last, factor, out, last_out, seed);
}
}
