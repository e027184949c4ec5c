// What hqq and codebook share: groups of columns, float16, reading the weight.
// No method: these are hqq.cpp and codebook.cpp.
#pragma once

#include <assay.h>

#include <assay.hpp>
#include <cstdint>
#include <string>

namespace data_free {

uint16_t to_half(float x);       // IEEE 754 binary16, round half to even
float from_half(uint16_t bits);  // exact

constexpr float k_smallest_half = 0x1p-14f;  // the smallest normal number: scales stay above it

// How a row of `columns` is cut into groups; the last one may be short.
struct groups {
  groups(int64_t columns, int64_t wanted)  // wanted 0 = the whole row
      : size(wanted == 0 || wanted > columns ? columns : wanted),
        count(size == 0 ? 0 : (columns + size - 1) / size),
        columns_(columns) {}
  int64_t first(int64_t g) const { return g * size; }
  int64_t length(int64_t g) const {
    return columns_ - first(g) < size ? columns_ - first(g) : size;
  }
  const int64_t size, count;

 private:
  int64_t columns_;
};

// A scale as it is stored: raised to the smallest normal number (and counted), or an error if it
// overflows.
float stored_scale(float ideal, int64_t row, int64_t group, bool &raised);

}  // namespace data_free
