// The Cholesky factor of a matrix and the inverse of a triangular one, in f32 or f64. Both work in
// place, because a library call would need three or four more matrices. Both go through blocks of
// columns, and the host computes the products of such blocks (assay.linalg/1).
#pragma once

#include <vector>

#include "common.hpp"

namespace hessian {

// a: [n, n] row-major. Its lower triangle becomes L with a = L L^T; the upper one is not read.
// Returns false if a is not positive definite; its content is then lost. Throws failure if a product
// by the host fails.
template <class T>
bool cholesky_in_place(assay_cpp::host host, T *a, int64_t n);

// l: [n, n] row-major, a lower triangle without zeros on its diagonal. Becomes its inverse, with zeros
// above the diagonal.
template <class T>
void invert_lower_in_place(assay_cpp::host host, T *l, int64_t n);

}  // namespace hessian
