// Builds Hadamard matrices by Paley's two constructions (R. E. A. C. Paley, 1933). Both need a finite
// field of q elements. The first gives order q + 1 for q = 3 mod 4, the second order 2 (q + 1) for
// q = 1 mod 4.
#include "hadamard.hpp"

#include <stdexcept>

#include "galois.hpp"

namespace rotation {
namespace {

bool paley_one(int64_t m) {
  return m % 4 == 0 && (m - 1) % 4 == 3 && galois_field::exists(m - 1);
}
bool paley_two(int64_t m) {
  return m % 4 == 0 && (m / 2 - 1) % 4 == 1 && galois_field::exists(m / 2 - 1);
}
// Whether one of the two constructions gives order m, or m is 1. Such a matrix can be a base (hadamard.hpp).
bool is_base(int64_t m) {
  return m == 1 || paley_one(m) || paley_two(m);
}

// Returns the largest power of two for which order / power is the order of a base; 0 if there is none.
int64_t largest_power(int64_t order) {
  int64_t power = order & -order;
  while (power > 0 && !is_base(order / power)) power /= 2;
  return power;
}

// Returns the matrix of the characters of i - j (galois.hpp) with one more row and column in front,
// [q + 1, q + 1]. The diagonal is 0, the rest of the first row 1, the rest of the first column `side`.
std::vector<int> bordered(const galois_field &field, int side) {
  const int64_t m = field.size() + 1;
  std::vector<int> c(static_cast<size_t>(m * m));
  for (int64_t i = 1; i < m; ++i) {
    c[static_cast<size_t>(i)] = 1;
    c[static_cast<size_t>(i * m)] = side;
    for (int64_t j = 1; j < m; ++j)
      c[static_cast<size_t>(i * m + j)] = field.character(i - 1, j - 1);
  }
  return c;
}

// Returns the bordered matrix plus the identity.
std::vector<int8_t> paley_one_matrix(int64_t m) {
  const auto s = bordered(galois_field(m - 1), -1);
  std::vector<int8_t> h(static_cast<size_t>(m * m));
  for (int64_t i = 0; i < m * m; ++i)
    h[static_cast<size_t>(i)] = static_cast<int8_t>(s[static_cast<size_t>(i)] + (i % (m + 1) == 0));
  return h;
}

// Each entry of the bordered matrix becomes a block of 2 x 2: on the diagonal k_on, elsewhere the entry times k_off.
std::vector<int8_t> paley_two_matrix(int64_t m) {
  const int64_t half = m / 2;
  const auto c = bordered(galois_field(half - 1), 1);
  constexpr int k_off[2][2] = {{1, 1}, {1, -1}}, k_on[2][2] = {{1, -1}, {-1, -1}};
  std::vector<int8_t> h(static_cast<size_t>(m * m));
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < m; ++j) {
      const int entry = c[static_cast<size_t>(i / 2 * half + j / 2)];
      const int value = entry * k_off[i % 2][j % 2] + (i / 2 == j / 2 ? k_on[i % 2][j % 2] : 0);
      h[static_cast<size_t>(i * m + j)] = static_cast<int8_t>(value);
    }
  return h;
}

}  // namespace

bool hadamard::exists(int64_t order) {
  return order > 0 && largest_power(order) > 0;
}

hadamard::hadamard(int64_t order_asked) : order(order_asked) {
  if (!exists(order))
    throw std::invalid_argument("no Hadamard matrix of order " + std::to_string(order) +
                                " is known here");
  power = largest_power(order);
  base_order = order / power;
  if (base_order == 1)
    base = {1};
  else
    base = paley_one(base_order) ? paley_one_matrix(base_order) : paley_two_matrix(base_order);
}

std::vector<std::string> hadamard::base_rows() const {
  std::vector<std::string> rows(static_cast<size_t>(base_order));
  for (int64_t i = 0; i < base_order * base_order; ++i)
    rows[static_cast<size_t>(i / base_order)] += base[static_cast<size_t>(i)] > 0 ? '+' : '-';
  return rows;
}

}  // namespace rotation
