// An orthogonal matrix R = D H / sqrt(n), D random signs or the identity, applied to the rows or
// columns of weights. Sums are in f64, so that the only rounding is that of the result.
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
  // Each row w [n] of the columns [first, first + n) becomes w R. For weights that
  // read turned channels.
  void rows(const assay_cpp::host &host, const weight_view &w, int64_t first = 0) const;
  // Each column w of the rows [first, first + n) becomes R^T w. For weights that produce turned
  // channels; a bias is one column.
  void columns(const assay_cpp::host &host, const weight_view &w, int64_t first = 0) const;
  const hadamard &matrix() const { return h_; }

 private:
  void apply(double *x, double *scratch) const;  // x [n] -> x R
  hadamard h_;
  std::vector<double> signs_;  // [n], with 1 / sqrt(n) in them
};

}  // namespace rotation
