// The extension assay.linalg/1 (matrix routines for plugins) in textbook loops, for programs without LibTorch.
#include <cmath>
#include <string>
#include <vector>

#include "plug/check/check.hpp"
#include "plug/services.hpp"
#include "plug/tensor.hpp"

namespace assay::check {
namespace {

// A matrix of f32 or f64, perhaps transposed. Its elements are read and written as double.
class matrix {
 public:
  explicit matrix(const assay_tensor *t) : t_(*t), wide_(t->dtype.bits == 64) {
    row_step_ = t->strides != nullptr ? t->strides[0] : t->shape[1];
    column_step_ = t->strides != nullptr ? t->strides[1] : 1;
  }
  int64_t rows() const { return transposed_ ? t_.shape[1] : t_.shape[0]; }
  int64_t columns() const { return transposed_ ? t_.shape[0] : t_.shape[1]; }
  matrix transposed(int32_t flag) const {
    matrix out = *this;
    out.transposed_ = transposed_ != (flag != 0);
    return out;
  }
  double at(int64_t i, int64_t j) const {
    return wide_ ? plug::data_of<double>(t_)[place(i, j)]
                 : double{plug::data_of<float>(t_)[place(i, j)]};
  }
  void set(int64_t i, int64_t j, double value) const {
    if (wide_)
      plug::data_of<double>(t_)[place(i, j)] = value;
    else
      plug::data_of<float>(t_)[place(i, j)] = static_cast<float>(value);
  }

 private:
  int64_t place(int64_t i, int64_t j) const {
    return transposed_ ? j * row_step_ + i * column_step_ : i * row_step_ + j * column_step_;
  }
  assay_tensor t_;
  bool wide_, transposed_ = false;
  int64_t row_step_ = 0, column_step_ = 0;
};

bool is_matrix(const assay_tensor *t) {
  return t != nullptr && t->ndim == 2 && t->device.type == ASSAY_CPU &&
         (plug::same_dtype(t->dtype, plug::k_f32) || plug::same_dtype(t->dtype, plug::k_f64));
}

int32_t refuse(const assay_host *host, const char *text) {
  return host->fail(host->ctx, ASSAY_INVALID_ARGUMENT, text);
}

int32_t gemm(const assay_host *host, double alpha, const assay_tensor *a, int32_t transpose_a,
             const assay_tensor *b, int32_t transpose_b, double beta,
             const assay_tensor *c) noexcept {
  if (!is_matrix(a) || !is_matrix(b) || !is_matrix(c))
    return refuse(host, "gemm: not matrices of f32 or f64");
  const matrix x = matrix(a).transposed(transpose_a), y = matrix(b).transposed(transpose_b), out(c);
  if (x.columns() != y.rows() || out.rows() != x.rows() || out.columns() != y.columns())
    return refuse(host, "gemm: shapes do not fit");
  for (int64_t i = 0; i < out.rows(); ++i)
    for (int64_t j = 0; j < out.columns(); ++j) {
      double sum = 0;
      for (int64_t k = 0; k < x.columns(); ++k) sum += x.at(i, k) * y.at(k, j);
      out.set(i, j, alpha * sum + (beta == 0 ? 0 : beta * out.at(i, j)));
    }
  return ASSAY_OK;
}

int32_t syrk(const assay_host *host, double alpha, const assay_tensor *x, double beta,
             const assay_tensor *c) noexcept {
  return gemm(host, alpha, x, 1, x, 0, beta, c);
}

// Computes the factor row by row (Cholesky-Banachiewicz) in a copy, so that `a` stays as it was if the matrix has no factor.
int32_t cholesky(const assay_host *host, const assay_tensor *a, int32_t upper) noexcept {
  if (!is_matrix(a)) return refuse(host, "cholesky: not a matrix of f32 or f64");
  const matrix m(a);
  const int64_t n = m.rows();
  if (m.columns() != n) return refuse(host, "cholesky: not square");
  std::vector<double> l(static_cast<size_t>(n * n));
  const auto at = [&](int64_t i, int64_t j) -> double & {
    return l[static_cast<size_t>(i * n + j)];
  };
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) {
      double sum = m.at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= at(i, k) * at(j, k);
      // No failure text: this is an answer that the plugin may expect
      if (i == j && !(sum > 0)) return ASSAY_NUMERICAL;
      at(i, j) = i == j ? std::sqrt(sum) : sum / at(j, j);
    }
  const matrix out = m.transposed(upper);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) out.set(i, j, j <= i ? at(i, j) : 0.0);
  return ASSAY_OK;
}

int32_t triangular_solve(const assay_host *host, const assay_tensor *t, int32_t upper,
                         int32_t transpose, int32_t left, const assay_tensor *b) noexcept {
  if (!is_matrix(t) || !is_matrix(b))
    return refuse(host, "triangular_solve: not matrices of f32 or f64");
  // For a T on the right, X op(T) = B is solved as op(T)^T X^T = B^T.
  const matrix op = matrix(t).transposed(transpose).transposed(left == 0 ? 1 : 0);
  const matrix x = matrix(b).transposed(left == 0 ? 1 : 0);
  const bool is_upper = (upper != 0) != ((transpose != 0) != (left == 0));
  const int64_t n = op.rows();
  if (op.columns() != n || x.rows() != n)
    return refuse(host, "triangular_solve: shapes do not fit");
  for (int64_t column = 0; column < x.columns(); ++column)
    for (int64_t step = 0; step < n; ++step) {
      const int64_t i = is_upper ? n - 1 - step : step;
      double sum = x.at(i, column);
      for (int64_t k = is_upper ? i + 1 : 0; k < (is_upper ? n : i); ++k)
        sum -= op.at(i, k) * x.at(k, column);
      x.set(i, column, sum / op.at(i, i));
    }
  return ASSAY_OK;
}

// `a` holds the factor L of a matrix A = L L^T, or L^T if `upper` is 1. The inverse of A is L^-T L^-1. To get it, this solves
// L Y = I, then L^T X = Y, where X is the inverse.
int32_t cholesky_inverse(const assay_host *host, const assay_tensor *a, int32_t upper) noexcept {
  if (!is_matrix(a)) return refuse(host, "cholesky_inverse: not a matrix of f32 or f64");
  const int64_t n = a->shape[0];
  std::vector<double> inverse(static_cast<size_t>(n * n));
  for (int64_t i = 0; i < n; ++i) inverse[static_cast<size_t>(i * n + i)] = 1.0;
  const plug::tensor_view view(inverse.data(), plug::k_f64, {n, n});
  int32_t status = triangular_solve(host, a, upper, upper != 0 ? 1 : 0, 1, view.get());
  if (status == ASSAY_OK)
    status = triangular_solve(host, a, upper, upper != 0 ? 0 : 1, 1, view.get());
  if (status != ASSAY_OK) return status;
  const matrix out(a), in(view.get());
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) out.set(i, j, in.at(i, j));
  return ASSAY_OK;
}

}  // namespace

void offer_plain_linalg() {
  static assay_linalg table;
  table.struct_size = sizeof table;
  table.gemm = gemm;
  table.syrk = syrk;
  table.cholesky = cholesky;
  table.cholesky_inverse = cholesky_inverse;
  table.triangular_solve = triangular_solve;
  plug::provide_extension(ASSAY_EXT_LINALG, &table);
}

}  // namespace assay::check
