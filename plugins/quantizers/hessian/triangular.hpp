// Cholesky's factor and the inverse of a triangle, in place, in blocks whose products are the host's
// assay.linalg/1: one buffer for what a library call would hold three or four times. f32 or f64.
#pragma once

#include <vector>

#include "common.hpp"

namespace hessian {

// a: [n, n] row-major; its lower triangle becomes L with a = L L^T, the upper one is not looked at.
// False if a is not positive definite (a is then spoilt). Throws failure when the host's product
// fails.
template <class T>
bool cholesky_in_place(assay_cpp::host host, T *a, int64_t n);

// l: [n, n], lower triangle with nonzero diagonal; becomes its inverse, zeros above the diagonal.
template <class T>
void invert_lower_in_place(assay_cpp::host host, T *l, int64_t n);

}  // namespace hessian
