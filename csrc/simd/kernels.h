// The inner loops, as a table of functions per instruction set.
//
// kernels.cpp, byte_kernels.cpp and exact_kernels.cpp are compiled once for each instruction set of the processor's
// kind (csrc/CMakeLists.txt): AVX-512 with VNNI, AVX-512, AVX2 and the baseline of x86-64; i8mm, dotprod and neon,
// which is the baseline, of aarch64; the baseline of any other. `kernels<T>()` is the table of the fastest that this
// machine runs (or the one that the environment variable BCL_SIMD names). Everything else is compiled once, for the
// baseline.
//
// d: depth (n_features), ld: distance between rows in elements. Nothing allocates, no alignment is asked for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bcl {

template <class T>
struct Kernels {
  const char* name;

  // Columns of a tile come in panels of `panel_width`: panel[p * panel_width + c] is feature p of its column c.
  int64_t panel_width;

  // Packs rows[0..n) (n <= panel_width) into one panel; the columns beyond n are filled with zeros.
  void (*pack_panel)(const T* rows /* [n, d] */, int64_t ld, int64_t n, int64_t d, T* panel /* [d, panel_width] */);

  // scores[r, c] = start[c] + rows[r] . column c, for m rows and n_panels panels. Each score is one chain of (fused)
  // multiply-adds in feature order, so it does not depend on how rows and columns are grouped into calls.
  void (*scores)(const T* rows /* [m, d] */, int64_t ld, int64_t m, const T* panels /* [n_panels, d, panel_width] */,
                 const T* start /* [n_panels * panel_width] */, int64_t n_panels, int64_t d,
                 T* scores /* [m, scores_ld] */, int64_t scores_ld);

  // Per row of scores [m, n]: where it beats best[r], best[r] becomes its maximum and best_column[r] = first_column +
  // the first column that has it. n is a multiple of panel_width.
  void (*update_best)(const T* scores, int64_t scores_ld, int64_t m, int64_t n, int32_t first_column, T* best,
                      int32_t* best_column);

  // Writes first_column + c for each c < n with row[c] >= limit, ascending, to columns [n]; returns how many.
  int64_t (*select_at_least)(const T* row, int64_t n, T limit, int32_t first_column, int32_t* columns);

  T (*squared_distance)(const T* x, const T* y, int64_t d);
  T (*dot)(const T* x, const T* y, int64_t d);
  void (*add)(T* y, const T* x, int64_t d);         // y += x (no overlap)
  void (*axpy)(T* y, T a, const T* x, int64_t d);   // y += a x (no overlap)
  void (*scale)(T* y, T a, const T* x, int64_t d);  // y = a x (x may be y)
  // out = a x + b y + z (out overlaps none)
  void (*combine)(T* out, T a, const T* x, T b, const T* y, const T* z, int64_t d);
};

template <class T>
const Kernels<T>& kernels();

// The instruction sets this build has and this machine runs, fastest first.
std::vector<std::string> simd_paths();

}  // namespace bcl
