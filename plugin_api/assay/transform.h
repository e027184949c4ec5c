/* Transform: edits the weights and norms of a block so that its function stays the same and the
 * grid fits better. Not a quantizer: it never chooses codes. The host measures that the float
 * function is unchanged before any quantizer runs, and refuses otherwise. */
#ifndef ASSAY_TRANSFORM_H
#define ASSAY_TRANSFORM_H

#include "quantizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Edits other than writing into the tensors of the block. Arguments are borrowed. */
typedef struct assay_edit {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Gives `linear` (a name in the block) a bias, [out] f32; replaces one that is there. [worker] */
  int32_t (*set_bias)(void *ctx, const char *linear, const assay_tensor *bias);
  /* Limits for the quantizer's grid of `linear`, [out, n] f32 each; they arrive there as clip_min
   * and clip_max. The float weight stays unclipped. [worker] */
  int32_t (*set_clip)(void *ctx, const char *linear, const assay_tensor *min,
                      const assay_tensor *max, int64_t group_size);
  /* An operation on the input of `linear` that stays in the forward pass, as JSON. The one that hosts
   * know: {"op": "hadamard", "size": 1536, "base": ["+-..", ...]}: consecutive pieces of `size`
   * channels, as rows, are multiplied by (base (x) S) / sqrt(size), S Sylvester's matrix of what is
   * left of size; no base: S alone. Exporters whose consumer cannot do it refuse it by name.
   * [worker] */
  int32_t (*set_online)(void *ctx, const char *linear, const char *op_json);
  /* A JSON object for the report: what was chosen and what it gained. [worker] */
  int32_t (*note)(void *ctx, const char *json);
} assay_edit;
ASSAY_SIZE(assay_edit, 48);

/*  state    calls allowed                       next state
 *  idle     check, needs                        idle; after needs: needed
 *  needed   observe (any number), then apply    idle                       */
typedef struct assay_transform_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* create and destroy as for a quantizer [main] */

  /* Optional: fails with the reason if this model cannot be transformed. [main] */
  int32_t (*check)(void *instance, const char *arch_json);

  /* What this block needs; statistics are those of the groups' inputs. [main] */
  int32_t (*needs)(void *instance, const assay_block *block, assay_needs *out);
  /* Only under ASSAY_NEED_RAW_INPUT, else NULL: a group's input, [n, channels] f32. [worker] */
  int32_t (*observe)(void *instance, const assay_group *group, const assay_tensor *tokens);

  /* Edits. Weights and biases of the block's linears and norms are writable f32 copies here; the
   * host takes them over when the call succeeds and drops them when it fails. The recipe's own
   * quantizer can be tried through assay.block/1. Under ASSAY_SCHEDULE_AFTER a linear's `start` is
   * its quantized form with one more role, "weight" [out, in] f32, what it stands for (NULL: the
   * linear stayed in float); its weight is the float one, statistics are those of the quantized
   * model, and only set_bias and note may be used. Under ASSAY_SCHEDULE_MODEL block -1 comes first,
   * then all blocks; the function is compared when the last is done. [worker] */
  int32_t (*apply)(void *instance, const assay_block *block, const assay_edit *edit);
} assay_transform_vtable;
ASSAY_SIZE(assay_transform_vtable, 56);

#ifdef __cplusplus
}
#endif
#endif
