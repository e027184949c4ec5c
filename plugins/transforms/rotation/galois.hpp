// Which elements of a finite field are squares. Paley's Hadamard matrices (hadamard.cpp) are made
// of this. Fields of p^r elements with r up to 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rotation {

class galois_field {
 public:
  static bool exists(int64_t q);  // q = p^r with p an odd prime, r <= 3
  explicit galois_field(int64_t q);
  int64_t size() const { return q_; }
  // +1 for a square other than 0, -1 for no square, 0 for 0, of i - j.
  int character(int64_t i, int64_t j) const;

 private:
  int64_t multiply(int64_t a, int64_t b) const;
  bool has_root(int64_t low_coefficients) const;
  int64_t q_, p_, r_;
  int64_t modulus_ = 0;            // x^r = -(its coefficients), as digits to base p
  std::vector<int8_t> character_;  // by element
};

}  // namespace rotation
