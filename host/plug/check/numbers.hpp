// Random numbers that are the same with every standard library; those of the distributions in <random> are not. Only normal() uses
// functions of the library (log, cos), whose last bit may differ.
#pragma once

#include <cmath>
#include <cstdint>

namespace assay::check {

class numbers {
 public:
  explicit numbers(uint64_t seed) : state_(seed * 2654435769u + 88172645463325252u) {}
  uint64_t bits() {  // 64 random bits, by the generator xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 2685821657736338717u;
  }
  uint64_t below(uint64_t n) { return n == 0 ? 0 : (bits() >> 11) % n; }
  // A number above 0 and below 1
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  double normal() {  // mean 0, variance 1 (Box and Muller)
    return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
  }

 private:
  uint64_t state_;
};

}  // namespace assay::check
