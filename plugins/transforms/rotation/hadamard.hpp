// Hadamard matrices (entries +1 and -1, orthogonal rows) of many orders. A matrix is a small base from
// one of Paley's two constructions, times Sylvester's matrix, whose order is a power of two. turn.hpp
// applies them to weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rotation {

struct hadamard {
  int64_t order = 0;
  int64_t base_order = 1, power = 1;  // their product is order; power = 2^k, as large as possible
  std::vector<int8_t> base;           // [base_order, base_order], +1 and -1

  // False if no construction here gives this order. Orders other than 1, 2 and multiples of 4 have no
  // Hadamard matrix at all.
  static bool exists(int64_t order);
  explicit hadamard(int64_t order);            // throws std::invalid_argument if !exists
  std::vector<std::string> base_rows() const;  // one text such as "+-" for each row
};

}  // namespace rotation
