// What byte_kernels.cpp knows of the instruction set that it is compiled for. Each of the files below has, for itself
// alone (an unnamed namespace, for the reason given in kernels.cpp):
//
//   kSignedRows, kFeatures, kLargestSum, kLargestPair    as ScreenKernels says
//   Start, Sums, Differences    a start value, a vector of sums, and of signed differences of sums
//   kLanes, kTileColumns        sums of a vector, of the two vectors that are a tile's answer to one row
//   kTogether                   features of a column that stand side by side in a tile (byte_kernels.cpp, place)
//   lane(column)                where a tile's column has its sum
//   TileSums<R>                 the sums of R rows with a tile's columns
//   Bits, at_least(left, right, limit)    bit c: whether the sum of column c, as a signed number, is at least limit
//   subtract(a, b)              a - b, or where that leaves the range of a sum, the end of the range
//   larger(a, b), largest_lane(v)
//   WideRow<kBlocks>            kBlocks blocks of kDepthBlock signed bytes, made ready for products with many others
#pragma once

#include <cstdint>

#include "simd/byte_kernels.h"
#include "simd/width.h"

#if defined(__AVX2__)
#include "simd/byte_vectors_x86.h"
#elif defined(__aarch64__)
#include "simd/byte_vectors_arm.h"
#else
#include "simd/byte_vectors_plain.h"
#endif
