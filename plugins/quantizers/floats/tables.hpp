// Grids that are no multiples of a step, FP8 E4M3 and FP4 E2M1, as tables of values with a search
// for the nearest. float_quantizer chooses the scales.
#pragma once

#include <cstdint>
#include <vector>

namespace floats {

// Values by code, and codes by value. A code whose value is no number is never chosen.
class table {
 public:
  explicit table(std::vector<float> values);
  const std::vector<float> &values() const { return values_; }  // [2^bits], by code
  float largest() const { return sorted_.back(); }
  uint8_t nearest(float x) const;  // saturates; halfway goes to the even code

 private:
  std::vector<float> values_, sorted_, middles_;
  std::vector<uint8_t> codes_;  // of sorted_
};

const table &e2m1();  // FP4: 0 .5 1 1.5 2 3 4 6 and their negatives (bit 3)
const table &e4m3();  // FP8 without infinities (fn): largest 448; codes are the bit patterns

}  // namespace floats
