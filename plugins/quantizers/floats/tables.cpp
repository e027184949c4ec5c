// The numbers of E4M3 (an 8-bit float) and E2M1 (a 4-bit float), and the search for the nearest one.
// The code of -0 is understood when it is read, but the search never chooses it.
#include "tables.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace floats {

table::table(std::vector<float> values) : values_(std::move(values)) {
  std::vector<uint8_t> order(values_.size());
  std::iota(order.begin(), order.end(), uint8_t{0});
  const auto usable = [&](uint8_t code) {
    const float value = values_[code];
    return std::isfinite(value) && !(value == 0.0f && std::signbit(value));
  };
  std::copy_if(order.begin(), order.end(), std::back_inserter(codes_), usable);
  std::sort(codes_.begin(), codes_.end(),
            [&](uint8_t a, uint8_t b) { return values_[a] < values_[b]; });
  for (const uint8_t code : codes_) sorted_.push_back(values_[code]);
  for (size_t i = 0; i + 1 < sorted_.size(); ++i)
    middles_.push_back(0.5f * (sorted_[i] + sorted_[i + 1]));
}

uint8_t table::nearest(float x) const {
  const auto at =
      static_cast<size_t>(std::lower_bound(middles_.begin(), middles_.end(), x) - middles_.begin());
  const bool halfway = at < middles_.size() && middles_[at] == x;
  // x lies in (middles_[at - 1], middles_[at]]. Exactly halfway the even one of two codes wins.
  return halfway && codes_[at] % 2 != 0 ? codes_[at + 1] : codes_[at];
}

const table &e2m1() {
  static const table k_table({0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f, -0.0f, -0.5f, -1.0f,
                              -1.5f, -2.0f, -3.0f, -4.0f, -6.0f});
  return k_table;
}

const table &e4m3() {
  static const table k_table = [] {
    std::vector<float> values(256);
    for (int code = 0; code < 256; ++code) {
      const int exponent = (code >> 3) & 15, mantissa = code & 7;
      float value = exponent ? std::ldexp(1.0f + static_cast<float>(mantissa) / 8, exponent - 7)
                             : std::ldexp(static_cast<float>(mantissa) / 8, -6);
      if ((code & 0x7F) == 0x7F) value = NAN;
      values[static_cast<size_t>(code)] = code & 0x80 ? -value : value;
    }
    return table(std::move(values));
  }();
  return k_table;
}

}  // namespace floats
