// Candidates by proofs about a point and a whole cell of points at once, and pair by pair where these fail.
//
// Points are given in groups that stand close together (arrangement/point_groups.h), one after the other; a cell is a
// group or, of a large one, a part. What follows is in the points' bytes (distance/quantized_points.h), whose products
// are exact. Let k_A be any vector for cell A, k_B for B, and w = k_B - k_A. Along w no point of B lies before
// -max over y in B of q_y . (k_A - k_B), so that for x in A and all y in B
//
//   |q_x - q_y| |w| >= (q_y - q_x) . w >= -(f + g)   with f = q_x . k_B - q_x . k_A,
//                                                         g = max over y in B of q_y . k_A - q_y . k_B.
//
// Two points within the threshold have |q_x - q_y| <= r + e_A + e_B, with the largest errors of the two cells
// (distance/byte_bounds.h). So x is too far from all of B unless
//
//   q_x . k_B - T >= q_x . k_A   with T = -g - |w| (r + e_A + e_B),
//
// one product and one comparison, as between two points. The triangle inequality would ask how far a cell reaches
// anywhere; this asks how far it reaches toward the other, a projection, which is far less in many dimensions.
// All products of points and centres cost 1 / (points per cell) of all pairs' distances.
//
// Points with spreads s_x have |q_x - q_y| <= sqrt(r^2 - s_x - s_y) + e_A + e_B instead of r + ..., which is at most
// r - b_x - b_y + ... with b = r - sqrt(r^2 - s), for that is a convex function of s and 0 at 0. So |w| b_x is taken
// from f, and |w| b_y from each product in g: both are one more feature of the products.
#pragma once

#include <cstdint>

#include "runtime/thread_scratch.h"
#include "screen/candidate_source.h"
#include "screen/packed_cells.h"

namespace bcl {

class BlockScreen : public CandidateSource {
 public:
  static constexpr int64_t kFewestDirections = PackedCells::kFewestDirections;

  // In all `directions`, at least kFewestDirections.
  BlockScreen(const ScaledPoints& points, const Directions& directions, Cells cells, double largest_threshold,
              const Execution& execution);
  ~BlockScreen() override;

  void walk(const WalkedRows& rows, double distance_threshold, int thread, const Found& found) override;
  int64_t rows_per_walk() const override { return kRowsPerWalk; }
  int64_t directions() const override { return packed_.bytes.depth(); }

  // Of all pairs of points, the share that the cells leave to be looked at one by one, from a sample of cells.
  double share_left(double distance_threshold, const Execution& execution);

 private:
  static constexpr int64_t kRowsPerWalk = 3072;
  static constexpr int64_t kGroup = 64;  // cells whose rows are walked together, at most
  static constexpr int64_t kMostWords = kRowsPerWalk / kMembersPerWord + kGroup;  // of rows of a group's cells
  static constexpr int64_t kChunk = PackedCells::kChunk;

  struct Scratch;

  // Readies the scratch for the rows [first, last) of the cells from first_cell on, no more than kGroup of them.
  void begin(int64_t first_cell, int64_t first, int64_t last, double r, Scratch& scratch) const;
  void add_cell(int64_t c, int64_t first, int64_t last, double r, Scratch& scratch) const;
  // With the cells from first_cell on.
  void walk_group(int64_t first_cell, double r, Scratch& scratch, const Found& found) const;
  // Which rows of the group's cells may be near which cells of a chunk.
  void find_near_cells(int64_t chunk, double r, Scratch& scratch) const;
  void measure_gaps(int64_t chunk, Scratch& scratch) const;
  void measure_reaches(int64_t chunk, Scratch& scratch) const;
  void write_bounds(int64_t a, int64_t chunk, double r, Scratch& scratch) const;
  void ask_rows(int64_t a, int64_t chunk, Scratch& scratch) const;
  // The pairs of the group's rows with the points of cell c.
  void find_pairs(int64_t c, Scratch& scratch) const;
  void keep_hits(int64_t c, Scratch& scratch) const;
  void report(Scratch& scratch, const Found& found) const;

  const PackedCells packed_;
  ThreadScratch<Scratch> scratch_;
};

}  // namespace bcl
