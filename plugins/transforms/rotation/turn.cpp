// Applies a Hadamard matrix, the Kronecker product of a base and Sylvester's matrix, to vectors. A
// vector is taken as base_order pieces of `power` numbers. Butterflies apply Sylvester's matrix inside
// a piece, then the base mixes the pieces.
#include "turn.hpp"

#include <cmath>

namespace rotation {
namespace {

// Random numbers (splitmix64) that are the same on every machine.
uint64_t next(uint64_t &state) {
  uint64_t z = (state += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Multiplies x by Sylvester's matrix of order n, a power of two, in n log2(n) additions.
void butterflies(double *x, int64_t n) {
  for (int64_t half = 1; half < n; half *= 2)
    for (int64_t i = 0; i < n; i += 2 * half)
      for (int64_t j = i; j < i + half; ++j) {
        const double a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
}

}  // namespace

turn::turn(const hadamard &h, bool random_signs, uint64_t seed)
    : h_(h), signs_(static_cast<size_t>(h.order), 1.0 / std::sqrt(static_cast<double>(h.order))) {
  if (!random_signs) return;
  for (auto &sign : signs_)
    if (next(seed) >> 63) sign = -sign;
}

void turn::apply(double *x, double *scratch) const {
  const int64_t m = h_.base_order, p = h_.power;
  for (int64_t i = 0; i < h_.order; ++i) x[i] *= signs_[static_cast<size_t>(i)];
  for (int64_t a = 0; a < m; ++a) butterflies(x + a * p, p);
  if (m == 1) return;
  for (int64_t i = 0; i < h_.order; ++i) scratch[i] = 0;
  for (int64_t a = 0; a < m; ++a)
    for (int64_t to = 0; to < m; ++to) {
      const double sign = h_.base[static_cast<size_t>(a * m + to)];
      for (int64_t b = 0; b < p; ++b) scratch[to * p + b] += sign * x[a * p + b];
    }
  for (int64_t i = 0; i < h_.order; ++i) x[i] = scratch[i];
}

void turn::rows(const assay_cpp::host &host, const weight_view &w, int64_t first) const {
  host.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    std::vector<double> x(static_cast<size_t>(size())), scratch(x.size());
    for (int64_t row = begin; row < end; ++row) {
      float *at = w.row(row) + first;
      for (int64_t j = 0; j < size(); ++j) x[static_cast<size_t>(j)] = static_cast<double>(at[j]);
      apply(x.data(), scratch.data());
      for (int64_t j = 0; j < size(); ++j) at[j] = static_cast<float>(x[static_cast<size_t>(j)]);
    }
  });
}

void turn::columns(const assay_cpp::host &host, const weight_view &w, int64_t first) const {
  host.parallel_for(w.columns, 16, [&](int64_t begin, int64_t end) {
    std::vector<double> x(static_cast<size_t>(size())), scratch(x.size());
    for (int64_t column = begin; column < end; ++column) {
      for (int64_t i = 0; i < size(); ++i)
        x[static_cast<size_t>(i)] = static_cast<double>(w.row(first + i)[column]);
      apply(x.data(), scratch.data());
      for (int64_t i = 0; i < size(); ++i)
        w.row(first + i)[column] = static_cast<float>(x[static_cast<size_t>(i)]);
    }
  });
}

}  // namespace rotation
