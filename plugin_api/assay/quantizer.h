/* Quantizer: one linear's weight and statistics -> codes, scales, zeros; and back.
 * Not a transform: it changes no other tensor, and sees no other linear, file or model. */
#ifndef ASSAY_QUANTIZER_H
#define ASSAY_QUANTIZER_H

#include "host.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

/* assay_needs.statistics: members of assay_stats */
#define ASSAY_NEED_HESSIAN       0x1u
#define ASSAY_NEED_HESSIAN_FIRST 0x2u
#define ASSAY_NEED_CROSS         0x4u
#define ASSAY_NEED_ABS_MAX       0x8u
#define ASSAY_NEED_ABS_MEAN      0x10u
#define ASSAY_NEED_SQ_MEAN       0x20u
#define ASSAY_NEED_MIN_MAX       0x40u
#define ASSAY_NEED_RAW_INPUT     0x80u /* observe is called with the tokens themselves */
#define ASSAY_NEED_MEAN          0x100u

/* assay_needs.schedule */
#define ASSAY_SCHEDULE_WHOLE_BLOCK 0x1u /* quantize_block in place of quantize */
#define ASSAY_SCHEDULE_BLOCK_LOSS  0x2u /* assay.block/1 must be able to run the block */
#define ASSAY_SCHEDULE_MODEL       0x4u /* transform: function kept by all blocks together only */
#define ASSAY_SCHEDULE_AFTER       0x8u /* transform: runs after the quantizer (bias correction) */

/* What the plugin needs from the host, which runs the forward passes. Arrives zeroed. */
typedef struct assay_needs {
  uint32_t struct_size;
  uint32_t statistics; /* ASSAY_NEED_... ; 0 = data-free: the host runs no forward pass */
  uint32_t schedule;   /* ASSAY_SCHEDULE_... */
  uint32_t reserved;
  int64_t max_tokens; /* enough for RAW_INPUT; 0 = all */
} assay_needs;
ASSAY_SIZE(assay_needs, 24);

/* What it will cost, for `assay plan`. Arrives zeroed; leave zero what is not known. */
typedef struct assay_estimate {
  uint32_t struct_size;
  uint32_t reserved;
  double packed_bits; /* of everything emitted for the linear */
  double flops;
  uint64_t scratch_bytes; /* peak, beside weight and statistics */
} assay_estimate;
ASSAY_SIZE(assay_estimate, 32);

/* Receives the results. Roles with a fixed meaning (w^: the dequantized weight; G: groups in a row):
 *   role          shape      dtype
 *   codes         [out, in]  u8 or i8      w^ = scale * (code - zero)
 *   scales        [out, G]   f16 bf16 f32  as stored: rounded to it before codes were chosen
 *   zeros         [out, G]   u8 i8 or float; absent = 0
 *   g_idx         [in]       i32           group of a column; absent: column / group_size, and the
 *                                          last group may be short
 *   codebook      [n]        f32           w^ = scale * codebook[code]; codes are u8 indices
 *   tensor_scale  [1]        f32           one more factor for the whole matrix (nvfp4)
 *   keep_idx      [k]        i32           columns kept apart, strictly ascending
 *   keep_values   [out, k]   f16 bf16 f32  their values, in place of what the codes say
 *   perm          [in]       i32           order in which columns were worked on; information only
 * Symmetric integer grids: i8 codes in [-2^(b-1), 2^(b-1) - 1], no zeros. Asymmetric ones: u8 codes
 * in [0, 2^b - 1] with u8 zeros. Other roles are free; third parties prefix theirs ("org.example.x"). */
typedef struct assay_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Takes ownership of a contiguous tensor, even when it fails. Each role once.
   * packed_bits: width of one element as a file would hold it (4 for 4-bit codes in u8), 0 = all
   * of the dtype. The host checks that every integer fits, and counts bits per weight from it.
   * [worker] */
  int32_t (*emit)(void *ctx, const char *role, assay_managed *tensor, uint32_t packed_bits);
  /* A JSON object about this linear; several are merged. Integer grids must note "format": "int/1",
   * "bits", "group_size" (in a note 0 = the whole row), "symmetric". Anything else is shown as the plugin's claim. [worker] */
  int32_t (*note)(void *ctx, const char *json);
} assay_sink;
ASSAY_SIZE(assay_sink, 32);

/* An instance works on one linear (or block) at a time; the host makes more instances for more.
 *
 *  state    calls allowed                                            next state
 *  idle     needs, estimate, dequantize                              idle; after needs: needed
 *  needed   observe (any number), then quantize or quantize_block    idle                       */
typedef struct assay_quantizer_vtable {
  uint32_t struct_size;
  uint32_t reserved;

  /* config_json: complete (validated, defaults filled in), borrowed. host: instance. Leaves nothing
   * behind when it fails. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  /* From any state. [main] */
  void (*destroy)(void *instance);

  /* What this linear needs. [main] */
  int32_t (*needs)(void *instance, const assay_linear *linear, assay_needs *out);
  /* Only under ASSAY_NEED_RAW_INPUT, else NULL: tokens [n, in] f32 in pieces of any length. The
   * result must not depend on how they were cut. [worker] */
  int32_t (*observe)(void *instance, const assay_linear *linear, const assay_tensor *tokens);
  /* The work. stats is NULL when nothing was needed. [worker] */
  int32_t (*quantize)(void *instance, const assay_linear *linear, const assay_stats *stats,
                      const assay_sink *sink);
  /* Only under ASSAY_SCHEDULE_WHOLE_BLOCK, else NULL. stats and sinks in the order of
   * block->linears; where the sink is NULL the linear stays as it is. [worker] */
  int32_t (*quantize_block)(void *instance, const assay_block *block,
                            const assay_stats *const *stats, const assay_sink *const *sinks);

  /* Writes the dense weight that the form represents to out: [out, in] f32, contiguous, on the
   * form's device. Mandatory: the host derives every fake-quantized weight from it. Depends on the
   * form only, and works in a fresh instance with the same configuration. [worker] */
  int32_t (*dequantize)(void *instance, const assay_form *form, const assay_tensor *out);

  /* Optional: what quantizing this linear will cost; weight->data may be NULL here. [main] */
  int32_t (*estimate)(void *instance, const assay_linear *linear, assay_estimate *out);
} assay_quantizer_vtable;
ASSAY_SIZE(assay_quantizer_vtable, 72);

#ifdef __cplusplus
}
#endif
#endif
