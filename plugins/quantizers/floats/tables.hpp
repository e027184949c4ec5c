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
  // Halfway goes to the even code. Beyond the largest value it returns the code of that value.
  uint8_t nearest(float x) const;

 private:
  std::vector<float> values_, sorted_, middles_;  // by code; ascending; between neighbours
  std::vector<uint8_t> codes_;                    // of sorted_
};

const table &e2m1();  // FP4: 0 .5 1 1.5 2 3 4 6 and their negatives (bit 3)
const table &e4m3();  // FP8 without infinities: largest 448; a code is the bit pattern

}  // namespace floats
