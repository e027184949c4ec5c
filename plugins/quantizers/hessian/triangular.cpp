// Cholesky factor and triangular inverse in blocks of columns. Most of the work is in large matrix
// products, because they run fastest: a Cholesky block subtracts in one product what all earlier blocks
// contribute (left-looking algorithm). The factor takes n^3 / 3 floating-point operations, and the
// inverse as many.
#include "triangular.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace hessian {
namespace {

constexpr int64_t k_block = 192;  // columns; k_block^2 numbers fit in the second-level cache

// to[0, n) -= factor * from[0, n)
template <class T>
HESSIAN_INLINE void subtract(T *to, const T *from, T factor, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] -= factor * from[i];
}

// Computes the Cholesky factor of one block [n, n] in place. stride: numbers in a row of the whole
// matrix. column: scratch of n numbers. Returns false if the block is not positive definite.
template <class T>
HESSIAN_INLINE bool factor_block(T *a, int64_t n, int64_t stride, T *column) {
  for (int64_t k = 0; k < n; ++k) {
    const T pivot = a[k * stride + k];
    if (!(pivot > T{0}) || !std::isfinite(pivot)) return false;
    const T root = std::sqrt(pivot), inverse = T{1} / root;
    a[k * stride + k] = root;
    for (int64_t i = k + 1; i < n; ++i) column[i] = a[i * stride + k] *= inverse;
    for (int64_t i = k + 1; i < n; ++i)
      subtract(a + i * stride + k + 1, column + k + 1, column[i], i - k);
  }
  return true;
}

// Writes to `to` [n, n] the inverse of the lower triangle at `l`, with zeros above the diagonal.
template <class T>
HESSIAN_INLINE void invert_block(const T *l, int64_t stride, int64_t n, T *to) {
  std::fill(to, to + n * n, T{0});
  for (int64_t i = 0; i < n; ++i) {
    T *row = to + i * n;
    for (int64_t k = 0; k < i; ++k) subtract(row, to + k * n, l[i * stride + k], k + 1);
    const T inverse = T{1} / l[i * stride + i];
    for (int64_t j = 0; j < i; ++j) row[j] *= inverse;
    row[i] = inverse;
  }
}

// factor_block and invert_block for float and double, compiled for several instruction sets.
HESSIAN_CLONES bool factor_one(float *a, int64_t n, int64_t stride, float *column) {
  return factor_block(a, n, stride, column);
}
HESSIAN_CLONES bool factor_one(double *a, int64_t n, int64_t stride, double *column) {
  return factor_block(a, n, stride, column);
}
HESSIAN_CLONES void invert_one(const float *l, int64_t stride, int64_t n, float *to) {
  invert_block(l, stride, n, to);
}
HESSIAN_CLONES void invert_one(const double *l, int64_t stride, int64_t n, double *to) {
  invert_block(l, stride, n, to);
}

// Gives rectangular parts of the matrix at `base`, [n, n].
template <class T>
class parts {
 public:
  parts(T *base, int64_t n) : base_(base), n_(n) {}

  // Returns a copy of rows [row, row + rows) and columns [column, column + columns), contiguous.
  std::vector<T> piece(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    std::vector<T> out(static_cast<size_t>(rows * columns));
    for (int64_t i = 0; i < rows; ++i)
      std::copy_n(base_ + (row + i) * n_ + column, columns, out.data() + i * columns);
    return out;
  }

  // Returns the same rows and columns as a view, not a copy.
  matrix_view part(int64_t row, int64_t rows, int64_t column, int64_t columns) const {
    return {base_ + row * n_ + column, rows, columns, n_};
  }

 private:
  T *base_;
  int64_t n_;
};

}  // namespace

template <class T>
bool cholesky_in_place(assay_cpp::host host, T *a, int64_t n) {
  const parts<T> of(a, n);
  std::vector<T> column(static_cast<size_t>(std::min(n, k_block)));
  std::vector<T> inverse(column.size() * column.size());
  for (int64_t j = 0; j < n; j += k_block) {
    const int64_t width = std::min(k_block, n - j), rest = n - j - width;
    if (j > 0)
      multiply(host, -1.0, of.part(j, n - j, 0, j), of.part(j, width, 0, j), true, 1.0,
               of.part(j, n - j, j, width));
    if (!factor_one(a + j * n + j, width, n, column.data())) return false;
    if (rest == 0) break;
    invert_one(a + j * n + j, n, width, inverse.data());
    auto below = of.piece(j + width, rest, j, width);
    multiply(host, 1.0, {below.data(), rest, width, width}, {inverse.data(), width, width, width},
             true, 0.0, of.part(j + width, rest, j, width));
  }
  return true;
}

// Goes through the blocks of columns from the last to the first. Let W = inverse(L). For one block, index
// 1 stands for its own rows and 2 for all rows below. W_11 is the inverse of L_11, W_22 is already known,
// and W_21 = -W_22 L_21 W_11.
template <class T>
void invert_lower_in_place(assay_cpp::host host, T *l, int64_t n) {
  const parts<T> of(l, n);
  const int64_t blocks = (n + k_block - 1) / k_block;
  std::vector<T> inverse(static_cast<size_t>(std::min(n, k_block) * std::min(n, k_block)));
  for (int64_t j = (blocks - 1) * k_block; j >= 0; j -= k_block) {
    const int64_t width = std::min(k_block, n - j), next = j + width;
    invert_one(l + j * n + j, n, width, inverse.data());
    for (int64_t i = 0; i < width; ++i) {
      std::copy_n(inverse.data() + i * width, width, l + (j + i) * n + j);
      std::fill(l + (j + i) * n + next, l + (j + i + 1) * n, T{0});
    }
    if (next == n) continue;
    auto below = of.piece(next, n - next, j, width);
    multiply(host, -1.0, {below.data(), n - next, width, width},
             {inverse.data(), width, width, width}, false, 0.0, of.part(next, n - next, j, width));
    below = of.piece(next, n - next, j, width);
    for (int64_t row = next; row < n; row += k_block) {
      const int64_t rows = std::min(k_block, n - row), depth = row + rows - next;
      multiply(host, 1.0, of.part(row, rows, next, depth), {below.data(), depth, width, width},
               false, 0.0, of.part(row, rows, j, width));
    }
  }
}

template bool cholesky_in_place(assay_cpp::host, float *, int64_t);
template bool cholesky_in_place(assay_cpp::host, double *, int64_t);
template void invert_lower_in_place(assay_cpp::host, float *, int64_t);
template void invert_lower_in_place(assay_cpp::host, double *, int64_t);

}  // namespace hessian
