/* Host extension "assay.linalg/1": dense linear algebra on the device where the tensors lie.
 * Motivation: a Hessian method needs one Cholesky factor and many products; with these a plugin in
 * plain C runs at the speed of the host's BLAS or cuBLAS and links neither. Not a tensor library:
 * no elementwise operations, no autograd.
 *
 * NULL from get_extension: a host without tensors. Fail with ASSAY_UNSUPPORTED or use loops.
 *
 * Tensors are f32 or f64, the same in one call, 2-D, on one device, with any strides. Wrong shapes
 * and dtypes are ASSAY_INVALID_ARGUMENT. All are [any]; host is the calling instance's table. */
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
  /* C = alpha * op(A) op(B) + beta * C in place of C; op is the transpose where the flag is 1. With
   * beta 0 the old contents of C are not read. */
  int32_t (*gemm)(const assay_host *host, double alpha, const assay_tensor *a, int32_t transpose_a,
                  const assay_tensor *b, int32_t transpose_b, double beta, const assay_tensor *c);
  /* C = alpha * X^T X + beta * C for X [n, k], C [k, k], both triangles: how Hessians grow. */
  int32_t (*syrk)(const assay_host *host, double alpha, const assay_tensor *x, double beta,
                  const assay_tensor *c);
  /* A = L L^T (upper 0) or U^T U (upper 1) in place, the other triangle zeroed. Reads one triangle
   * of A. ASSAY_NUMERICAL if A is not positive definite: an answer, nothing is recorded as a
   * failure, and A is unchanged. */
  int32_t (*cholesky)(const assay_host *host, const assay_tensor *a, int32_t upper);
  /* A: a factor from cholesky; becomes the inverse of the factored matrix, both triangles. */
  int32_t (*cholesky_inverse)(const assay_host *host, const assay_tensor *a, int32_t upper);
  /* Solves op(T) X = B (left 1) or X op(T) = B (left 0) in place of B, T triangular. */
  int32_t (*triangular_solve)(const assay_host *host, const assay_tensor *t, int32_t upper,
                              int32_t transpose, int32_t left, const assay_tensor *b);
} assay_linalg;
ASSAY_SIZE(assay_linalg, 48);

#ifdef __cplusplus
}
#endif
#endif
