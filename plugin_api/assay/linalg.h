/* Host extension "assay.linalg/1": dense linear algebra on the device where the tensors lie.
 * Motivation: a method that uses the Hessian (the sum of x x^T over inputs x) needs one Cholesky
 * factor and many products. With this extension a plugin in plain C runs at the speed of the host's
 * BLAS or cuBLAS and links neither. There are no elementwise operations and no autograd.
 *
 * If get_extension returns NULL, the host has no linear algebra: fail with ASSAY_UNSUPPORTED, or use
 * loops of your own.
 *
 * Tensors have two dimensions and any strides. Those of one call are all f32 or all f64, on one
 * device. Wrong shapes and dtypes are ASSAY_INVALID_ARGUMENT. `host` is the calling instance's
 * table. All functions are [any]; call them outside parallel_for, because they use threads. */
#ifndef ASSAY_LINALG_H
#define ASSAY_LINALG_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_EXT_LINALG "assay.linalg/1"

typedef struct assay_linalg {
  uint32_t struct_size;
  uint32_t reserved;
  /* Replaces C by alpha * op(A) op(B) + beta * C. op(A) is A, or its transpose where transpose_a is
   * 1; op(B) likewise. With beta 0 the old contents of C are not read. */
  int32_t (*gemm)(const assay_host *host, double alpha, const assay_tensor *a, int32_t transpose_a,
                  const assay_tensor *b, int32_t transpose_b, double beta, const assay_tensor *c);
  /* Replaces C [k, k] by alpha * X^T X + beta * C, with X [n, k]; writes both triangles. With beta 1
   * this adds the Hessian of n more tokens. */
  int32_t (*syrk)(const assay_host *host, double alpha, const assay_tensor *x, double beta,
                  const assay_tensor *c);
  /* Replaces A by its factor L (upper 0: A = L L^T) or U (upper 1: A = U^T U). Reads only the
   * triangle of A where the factor will lie, and sets the other one to zero. Returns
   * ASSAY_NUMERICAL if A is not positive definite: A is then unchanged, and no failure is recorded,
   * so that the plugin can try again. */
  int32_t (*cholesky)(const assay_host *host, const assay_tensor *a, int32_t upper);
  /* A is a factor from cholesky with the same `upper`. Replaces A by the inverse of the factored
   * matrix, both triangles. */
  int32_t (*cholesky_inverse)(const assay_host *host, const assay_tensor *a, int32_t upper);
  /* Solves op(T) X = B (left 1) or X op(T) = B (left 0), and replaces B by X. T is triangular; with
   * upper 1 it is the upper triangle. op(T) is T, or its transpose where `transpose` is 1. */
  int32_t (*triangular_solve)(const assay_host *host, const assay_tensor *t, int32_t upper,
                              int32_t transpose, int32_t left, const assay_tensor *b);
} assay_linalg;
ASSAY_SIZE(assay_linalg, 48);

#ifdef __cplusplus
}
#endif
#endif
