/* Kind transform: edits the weights and norms of a block so that its function stays the same and its
 * weights fit the quantizer's grid better. It never chooses codes. Before any quantizer runs, the
 * host measures that the float function is unchanged; if it is not, the run ends with an error. */
#ifndef ASSAY_TRANSFORM_H
#define ASSAY_TRANSFORM_H

#include "quantizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Edits that cannot be made by writing into the tensors of the block. Arguments are borrowed. */
typedef struct assay_edit {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Gives `linear` (a name in the block) the bias [out] f32, contiguous, in place of its old one.
   * [worker] */
  int32_t (*set_bias)(void *ctx, const char *linear, const assay_tensor *bias);
  /* Sets limits for the quantizer's grid of `linear`: min and max [out, n] f32, contiguous, one column
   * for group_size columns of the weight (0 = all). The quantizer receives them as clip_min and
   * clip_max. The model's float weight stays unclipped. [worker] */
  int32_t (*set_clip)(void *ctx, const char *linear, const assay_tensor *min,
                      const assay_tensor *max, int64_t group_size);
  /* Adds an operation (JSON) on the input of `linear` that stays in the forward pass; at most one for
   * each linear. Hosts know {"op": "hadamard", "size": 1536, "base": ["+-..", ...]}: it cuts the
   * channels into pieces of `size`, and multiplies each piece, as a row, by (base (x) S) / sqrt(size).
   * (x) is the Kronecker product; base is a Hadamard matrix of m rows of signs; S is Sylvester's
   * Hadamard matrix with size / m rows, a power of two. Without "base" the matrix is S / sqrt(size).
   * If the consumer of a format cannot do the operation, the exporter refuses it by name. [worker] */
  int32_t (*set_online)(void *ctx, const char *linear, const char *op_json);
  /* Takes a JSON object for the report: what was chosen and what it gained. [worker] */
  int32_t (*note)(void *ctx, const char *json);
} assay_edit;
ASSAY_SIZE(assay_edit, 48);

/*  state    calls allowed                            next state
 *  idle     check, needs                             idle; after needs: needed
 *  needed   needs, observe (any number of both),
 *           then apply                               idle                       */
typedef struct assay_transform_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* create and destroy as for a quantizer [main] */

  /* Optional: fails with the reason if this model cannot be transformed. arch_json: facts of the
   * model, as in assay_linear. [main] */
  int32_t (*check)(void *instance, const char *arch_json);

  /* Says in `out` what this block needs. Statistics are those of the groups' inputs. [main] */
  int32_t (*needs)(void *instance, const assay_block *block, assay_needs *out);
  /* NULL, or called under ASSAY_NEED_RAW_INPUT with a group's input: tokens [n, channels] f32.
   * [worker] */
  int32_t (*observe)(void *instance, const assay_group *group, const assay_tensor *tokens);

  /* Edits the block. Weights and biases of its linears and norms are writable f32 copies here; the
   * host takes them over when the call succeeds and drops them when it fails. With assay.block/1 the
   * plugin can try the recipe's own quantizer on them.
   * ASSAY_SCHEDULE_AFTER: a linear's `start` is its quantized form, with one more role, "weight"
   * [out, in] f32: the dense weight that the form stands for. start NULL: the linear stayed in float.
   * The linear's own `weight` is the float one, and statistics are those of the quantized model. Only
   * set_bias and note may be used.
   * ASSAY_SCHEDULE_MODEL: block -1 comes first, then all blocks. After the last block the host
   * compares the outputs of the model with those before the edits. [worker] */
  int32_t (*apply)(void *instance, const assay_block *block, const assay_edit *edit);
} assay_transform_vtable;
ASSAY_SIZE(assay_transform_vtable, 56);

#ifdef __cplusplus
}
#endif
#endif
