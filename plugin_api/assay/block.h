/* Host extension "assay.block/1": runs a block (one decoder layer), or only its attention or its MLP,
 * with candidate weights, and measures how much the output changes. Motivation: a search for scales
 * (awq) tries about 20 candidates for each group and needs the error of each after attention or the MLP.
 * Learned rounding (autoround) needs the gradient of that error with respect to the weights. With
 * this extension a plugin need not know how a block is built.
 *
 * Ask for it in `needs` with ASSAY_SCHEDULE_BLOCK_LOSS. Use it during the call that received the
 * block, if block->handle is not NULL. If get_extension returns NULL, the host cannot run blocks:
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
  1u /* output of the attention or MLP that holds the group, without residual */

/* The factors of matrix products in gradient(). BF16 rounds them to bfloat16 and sums in f32: this
 * is faster and less exact. A processor without such products gives ASSAY_INVALID_ARGUMENT. */
#define ASSAY_PRODUCTS_F32  0u
#define ASSAY_PRODUCTS_BF16 1u

/* Candidate weights, to be tried in place of those that the block has now. All are borrowed. */
typedef struct assay_trial {
  uint32_t struct_size;
  uint32_t scope; /* ASSAY_SCOPE_... */
  uint32_t group; /* for ASSAY_SCOPE_PARENT: position in block->groups */
  uint32_t n_weights;
  const char *const *names;            /* of linears or norms of the block */
  const assay_tensor *const *weights;  /* f32, in the shapes of the originals */
  int64_t first_sequence, n_sequences; /* neighbouring sequences; n_sequences 0 = to the last one */
  /* NULL, or n_sequences positions of sequences that are used instead of first_sequence and those
   * after it. Each is at least 0 and below the number of sequences. */
  const int64_t *sequences;
  uint32_t products; /* ASSAY_PRODUCTS_..., for gradient(); loss() always uses f32 */
  uint32_t reserved;
} assay_trial;
ASSAY_SIZE(assay_trial, 64);

typedef struct assay_block_runner {
  uint32_t struct_size;
  uint32_t reserved;
  /* Gives the number of calibration sequences that are kept for trials. Their order is the same for
   * all blocks of a model. [worker] */
  int32_t (*n_sequences)(const assay_host *host, const assay_block *block, int64_t *out);
  /* Gives the mean of (y_trial - y_float)^2 over channels and over tokens that count in calibration,
   * summed in f64. y_trial is the output with the candidate weights. y_float is the output of the
   * block before this plugin's edits, on the same inputs; under ASSAY_PROPAGATE_ASYMMETRIC (scope
   * block only) it is the float model's output on its own inputs. A loss that is not finite is
   * ASSAY_NUMERICAL. [worker] */
  int32_t (*loss)(const assay_host *host, const assay_block *block, const assay_trial *trial,
                  double *out);
  /* Gives the same loss, and writes its derivative with respect to each weight of the trial to
   * gradients: n_weights tensors f32 in the shapes of the weights. [worker] */
  int32_t (*gradient)(const assay_host *host, const assay_block *block, const assay_trial *trial,
                      double *out, const assay_tensor *const *gradients);
  /* Quantizes `weight`, a weight of `linear`, with the recipe's quantizer and writes the dequantized
   * result to out: [out, in] f32, and its memory may be that of `weight`. Fails with
   * ASSAY_INVALID_ARGUMENT if the recipe has no quantizer, or one that needs statistics. [worker] */
  int32_t (*fake_quantize)(const assay_host *host, const assay_block *block, const char *linear,
                           const assay_tensor *weight, const assay_tensor *out);
} assay_block_runner;
ASSAY_SIZE(assay_block_runner, 40);

#ifdef __cplusplus
}
#endif
#endif
