// The numbers of two float formats, FP8 E4M3 and FP4 E2M1, as tables, and the search for the nearest
// number. A search is needed because the gap between neighbours grows with the numbers, so dividing by
// one step does not give the code.
#pragma once

#include <cstdint>
#include <vector>

namespace floats {

// Gives the value of a code, and the code of the nearest value. It never chooses a code that stands
// for NaN or -0.
class table {
 public:
  explicit table(std::vector<float> values);
  const std::vector<float> &values() const { return values_; }  // [2^bits], by code
  float largest() const { return sorted_.back(); }
  // Halfway between two values the even code wins. Beyond the largest value it returns the code of that value.
  uint8_t nearest(float x) const;

 private:
  // values_ is ordered by code, sorted_ ascending. middles_ has the numbers halfway between neighbours of sorted_.
  std::vector<float> values_, sorted_, middles_;
  std::vector<uint8_t> codes_;  // codes_[i] is the code of sorted_[i]
};

const table &e2m1();  // FP4: 0 .5 1 1.5 2 3 4 6 and their negatives (bit 3)
const table &e4m3();  // FP8 without infinities: largest 448; a code is the bit pattern

}  // namespace floats
