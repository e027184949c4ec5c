// The types of blocks in GGUF files that kquant makes, and one block in memory. A block is a run of
// weights of one row that is stored with its scales (ggml-org/ggml, src/ggml-common.h).
//
//   w^ = (scale * step) * value(code) - minimum * minimum_step
//
// scale and minimum are float16 numbers of the block, the steps small integers of a group of columns.
#pragma once

#include <assay_grid.hpp>

#include <cstdint>
#include <string>

namespace hessian {

constexpr int k_most_columns = 256, k_most_groups = 16;

struct block_type {
  const char *name;
  int bits;            // of a code
  int columns;         // of a block
  int group;           // columns that share a step
  int lowest;          // the lowest code; blocks with a minimum, or with fixed values, begin at 0
  int step_bits;       // 0: there are no steps, all are 1
  int lowest_step;     // steps are lowest_step .. highest_step()
  bool minimum;        // a minimum is subtracted
  bool fixed;          // a code is the index of one of 16 fixed values
  const char *narrow;  // the type for rows that are no multiple of `columns`; nullptr: none

  int groups() const { return columns / group; }
  int highest() const { return lowest + (1 << bits) - 1; }
  int highest_step() const { return lowest_step + (1 << step_bits) - 1; }
  double bits_per_weight() const {
    const double parts = minimum ? 2 : 1;
    return bits + parts * (static_cast<double>(step_bits) / group + 16.0 / columns);
  }
};

// Throws failure for an unknown name.
const block_type &block_type_of(const std::string &name);

// The values of the codes of IQ4_NL and IQ4_XS (ggml-org/ggml, src/ggml-common.h, kvalues_iq4nl).
constexpr float k_fixed_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};

struct block {
  uint16_t scale = 0, minimum = 0;  // float16
  bool clamped = false;             // float16 cannot hold the ideal scale or minimum
  int16_t steps[k_most_groups] = {}, minimum_steps[k_most_groups] = {};
  int16_t codes[k_most_columns] = {};

  // `scale * step` and `minimum * minimum_step` of group g, multiplied in the same order as programs that read
  // the block do it, so that the rounding is the same.
  float scale_of(const block_type &type, int g) const {
    const float whole = assay_grid::from_float16(scale);
    return type.step_bits == 0 ? whole : whole * static_cast<float>(steps[g]);
  }
  float minimum_of(const block_type &type, int g) const {
    const float whole = assay_grid::from_float16(minimum);
    return type.step_bits == 0 ? whole : whole * static_cast<float>(minimum_steps[g]);
  }
  // Both store x as the nearest float16; beyond the largest finite number it becomes that number.
  void set_scale(float x) { scale = stored(x); }
  void set_minimum(float x) { minimum = stored(x); }

 private:
  uint16_t stored(float x) {
    const uint16_t half = assay_grid::to_float16(x);
    if ((half & 0x7C00u) != 0x7C00u) return half;
    clamped = true;
    return static_cast<uint16_t>((half & 0x8000u) | 0x7BFFu);
  }
};

inline float value_of(const block_type &type, int code) {
  return type.fixed ? k_fixed_values[code] : static_cast<float>(code);
}

// The code of the weight w in a group with this scale and minimum; with scale 0 the first code.
int code_of(const block_type &type, float w, float scale, float minimum);

// The weight that a code stands for.
inline float weight_of(const block_type &type, int code, float scale, float minimum) {
  const float product = scale * value_of(type, code);
  return type.minimum ? product - minimum : product;
}

// The index of the fixed value nearest to x; of two equally near ones the higher.
int nearest_fixed(float x);

}  // namespace hessian
