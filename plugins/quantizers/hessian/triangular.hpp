// The Cholesky factor and the inverse of a triangle, in place, in f32 or f64. The products of
// blocks are the host's assay.linalg/1. One buffer, where a library call would hold three or four.
#pragma once

#include <vector>

#include "common.hpp"

namespace hessian {

// a: [n, n] row-major. Its lower triangle becomes L with a = L L^T; the upper one is not read.
// Returns false, with a destroyed, if a is not positive definite. Throws failure when the
// host's product fails.
template <class T>
bool cholesky_in_place(assay_cpp::host host, T *a, int64_t n);

// l: [n, n], lower triangle with nonzero diagonal; becomes its inverse, zeros above the diagonal.
template <class T>
void invert_lower_in_place(assay_cpp::host host, T *l, int64_t n);

}  // namespace hessian
