// Tells which elements of a finite field are squares. Paley's constructions of Hadamard matrices
// (hadamard.cpp) need it. The field has q = p^r elements, where p is an odd prime and r is at most 3.
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
  // Returns +1 if i - j is a square other than 0, 0 if i - j is 0, else -1.
  int character(int64_t i, int64_t j) const;

 private:
  int64_t multiply(int64_t a, int64_t b) const;
  bool has_root(int64_t low_coefficients) const;
  int64_t q_, p_, r_;
  // The irreducible polynomial is x^r plus the polynomial whose coefficients are the base-p
  // digits of modulus_.
  int64_t modulus_ = 0;
  std::vector<int8_t> character_;  // of each element: +1, 0 or -1 as in `character`
};

}  // namespace rotation
