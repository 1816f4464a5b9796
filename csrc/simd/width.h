// The vectors of the instruction set that a file is compiled for (csrc/CMakeLists.txt), and how many rows of a tile
// fill its registers with accumulators two vectors wide. Constants only: a function here could be compiled for more
// than the machine has.
#pragma once

namespace bcl {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64, kTileRows = 8;
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32, kTileRows = 6;
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16, kTileRows = 8;
#else
constexpr int kVectorBytes = 16, kTileRows = 4;
#endif

}  // namespace bcl
