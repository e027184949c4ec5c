/* Host extension "assay.block/1": runs a block, or the parent module of a group, with candidate
 * weights and measures how far its output moves. Motivation: a scale search (awq) tries 20
 * candidates for each group and needs the error of each behind attention or the MLP. Learned
 * rounding (autoround) needs the gradient of that error with respect to the weights. Neither should
 * know how a block is wired.
 *
 * Use it after asking for ASSAY_SCHEDULE_BLOCK_LOSS, with a block whose handle is not NULL, during
 * the call that received the block. NULL from get_extension means that the host cannot run blocks:
 * fail with ASSAY_UNSUPPORTED. */
#ifndef ASSAY_BLOCK_H
#define ASSAY_BLOCK_H

#include "host.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_EXT_BLOCK "assay.block/1"

#define ASSAY_SCOPE_BLOCK 0u /* output of the whole block, residual included */
#define ASSAY_SCOPE_PARENT \
  1u /* output of what holds the group: attention, MLP, the linear itself */

/* Factors of the products in gradient(): f32, or rounded to bfloat16 with sums in f32, which is about
 * twice as fast where the processor has it, and ASSAY_INVALID_ARGUMENT where not. */
#define ASSAY_PRODUCTS_F32  0u
#define ASSAY_PRODUCTS_BF16 1u

/* Weights to try in place of those that the block has now. All borrowed. */
typedef struct assay_trial {
  uint32_t struct_size;
  uint32_t scope; /* ASSAY_SCOPE_... */
  uint32_t group; /* position in block->groups, for ASSAY_SCOPE_PARENT */
  uint32_t n_weights;
  const char *const *names;            /* of linears or norms of the block */
  const assay_tensor *const *weights;  /* f32, in the shapes of the originals */
  int64_t first_sequence, n_sequences; /* which calibration sequences; n 0 = all from first on */
  /* n_sequences positions in place of a run from first_sequence, each in [0, number of sequences);
   * NULL = the run */
  const int64_t *sequences;
  uint32_t products; /* ASSAY_PRODUCTS_... of gradient(); loss() is always f32 */
  uint32_t reserved;
} assay_trial;
ASSAY_SIZE(assay_trial, 64);

typedef struct assay_block_runner {
  uint32_t struct_size;
  uint32_t reserved;
  /* How many calibration sequences are kept for this block, in an order that is the same for all
   * blocks of a model. [worker] */
  int32_t (*n_sequences)(const assay_host *host, const assay_block *block, int64_t *out);
  /* Mean over counted tokens and channels of (y_trial - y_float)^2, accumulated in f64; y_float
   * comes from the weights that the block had before the first transform, on the same inputs, or
   * under ASSAY_PROPAGATE_ASYMMETRIC (whole blocks only) on those of the float model. A loss that
   * is not finite is ASSAY_NUMERICAL. [worker] */
  int32_t (*loss)(const assay_host *host, const assay_block *block, const assay_trial *trial,
                  double *out);
  /* The same, and its derivative with respect to each of the trial's weights, written to gradients:
   * n_weights tensors of the same shapes, f32. [worker] */
  int32_t (*gradient)(const assay_host *host, const assay_block *block, const assay_trial *trial,
                      double *out, const assay_tensor *const *gradients);
  /* Quantizes this weight for `linear` with the recipe's quantizer and writes the dequantized result
   * to out, [out, in] f32, which may be the same memory. [worker] */
  int32_t (*fake_quantize)(const assay_host *host, const assay_block *block, const char *linear,
                           const assay_tensor *weight, const assay_tensor *out);
} assay_block_runner;
ASSAY_SIZE(assay_block_runner, 40);

#ifdef __cplusplus
}
#endif
#endif
