// Arithmetic in GF(p^r), the finite field of p^r elements. An element is a polynomial with coefficients
// modulo p. It is written as a number whose digits in base p are the coefficients.
#include "galois.hpp"

#include <array>

namespace rotation {
namespace {

constexpr int64_t k_most_digits = 3;  // largest r

// q = p^r. p = 0 means that q is no power of an odd prime, or that r is larger than k_most_digits.
struct power {
  int64_t p = 0, r = 0;
};

power split(int64_t q) {
  if (q < 3) return {};
  int64_t p = 3;
  if (q % 2 == 0) return {};
  while (p * p <= q && q % p != 0) p += 2;
  if (q % p != 0) p = q;
  power out{p, 0};
  for (int64_t left = q; left > 1; left /= p, ++out.r)
    if (left % p != 0) return {};
  return out.r <= k_most_digits ? out : power{};
}

using digits = std::array<int64_t, 2 * k_most_digits>;

digits digits_of(int64_t element, int64_t p) {
  digits out{};
  for (auto &digit : out) digit = element % p, element /= p;
  return out;
}

}  // namespace

bool galois_field::exists(int64_t q) {
  return split(q).p != 0;
}

galois_field::galois_field(int64_t q)
    : q_(q), p_(split(q).p), r_(split(q).r), character_(static_cast<size_t>(q), -1) {
  // Products are reduced modulo an irreducible polynomial. A polynomial of degree 2 or 3 is irreducible
  // if it has no root.
  if (r_ > 1)
    while (has_root(modulus_)) ++modulus_;
  for (int64_t a = 1; a < q_; ++a) character_[static_cast<size_t>(multiply(a, a))] = 1;
  character_[0] = 0;
}

bool galois_field::has_root(int64_t low_coefficients) const {
  const auto c = digits_of(low_coefficients, p_);
  for (int64_t x = 0; x < p_; ++x) {
    int64_t value = 1;  // the leading coefficient
    for (int64_t i = r_ - 1; i >= 0; --i) value = (value * x + c[static_cast<size_t>(i)]) % p_;
    if (value == 0) return true;
  }
  return false;
}

int64_t galois_field::multiply(int64_t a, int64_t b) const {
  const auto x = digits_of(a, p_), y = digits_of(b, p_), m = digits_of(modulus_, p_);
  digits product{};
  for (size_t i = 0; i < static_cast<size_t>(r_); ++i)
    for (size_t j = 0; j < static_cast<size_t>(r_); ++j)
      product[i + j] = (product[i + j] + x[i] * y[j]) % p_;
  for (size_t i = 2 * static_cast<size_t>(r_) - 2; i >= static_cast<size_t>(r_); --i) {
    for (size_t j = 0; j < static_cast<size_t>(r_); ++j) {
      auto &digit = product[i - static_cast<size_t>(r_) + j];
      digit = ((digit - product[i] * m[j]) % p_ + p_) % p_;
    }
    product[i] = 0;
  }
  int64_t out = 0;
  for (size_t i = static_cast<size_t>(r_); i-- > 0;) out = out * p_ + product[i];
  return out;
}

int galois_field::character(int64_t i, int64_t j) const {
  const auto a = digits_of(i, p_), b = digits_of(j, p_);
  int64_t difference = 0;
  for (size_t d = static_cast<size_t>(r_); d-- > 0;)
    difference = difference * p_ + (a[d] - b[d] + p_) % p_;
  return character_[static_cast<size_t>(difference)];
}

}  // namespace rotation
