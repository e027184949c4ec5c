// Applies an orthogonal matrix R = D H / sqrt(n) to rows or columns of weights. H is a Hadamard matrix,
// D a diagonal of random signs or the identity. Sums are in f64, so only the result is rounded to f32.
#pragma once

#include <cstdint>
#include <vector>

#include "assay.hpp"
#include "hadamard.hpp"

namespace rotation {

using weight_view = assay_cpp::matrix<float>;

class turn {
 public:
  turn(const hadamard &h, bool random_signs, uint64_t seed);
  int64_t size() const { return h_.order; }
  // In each row, replaces the part w in columns [first, first + n) by w R, where n = size(). This is for
  // weights whose inputs are the turned channels.
  void rows(const assay_cpp::host &host, const weight_view &w, int64_t first = 0) const;
  // In each column, replaces the part w in rows [first, first + n) by R^T w. This is for weights whose
  // outputs are the turned channels. A bias counts as one column.
  void columns(const assay_cpp::host &host, const weight_view &w, int64_t first = 0) const;
  const hadamard &matrix() const { return h_; }

 private:
  void apply(double *x, double *scratch) const;  // x [n] becomes x R; scratch: [n]
  hadamard h_;
  std::vector<double> signs_;  // [n]: the signs of D, times 1 / sqrt(n)
};

}  // namespace rotation
