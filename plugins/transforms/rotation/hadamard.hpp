// Hadamard matrices of many orders: a base by Paley's two constructions, times a power of two by
// Sylvester's. turn.hpp applies them to weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rotation {

struct hadamard {
  int64_t order = 0;
  int64_t base_order = 1, power = 1;  // their product is order; power = 2^k, as large as possible
  std::vector<int8_t> base;           // [base_order, base_order], +1 and -1

  // False where no construction here gives this order. None exists unless it is 1, 2 or a
  // multiple of 4.
  static bool exists(int64_t order);
  explicit hadamard(int64_t order);            // throws std::invalid_argument where none exists
  std::vector<std::string> base_rows() const;  // "+-..", as online operations hold them
};

}  // namespace rotation
