/* Kind quantizer: turns one linear's weight and statistics into codes, scales and zeros, and these
 * back into a weight. It changes no other tensor, and sees nothing else of the model. assay.h says
 * what the tags [main] and [worker] mean. */
#ifndef ASSAY_QUANTIZER_H
#define ASSAY_QUANTIZER_H

#include "host.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

/* assay_needs.statistics: the members of assay_stats (linear.h) that the plugin asks for.
 * HESSIAN_FIRST and CROSS are for quantizers only. CROSS is there only in a recipe with propagation
 * "asymmetric". */
#define ASSAY_NEED_HESSIAN       0x1u
#define ASSAY_NEED_HESSIAN_FIRST 0x2u
#define ASSAY_NEED_CROSS         0x4u
#define ASSAY_NEED_ABS_MAX       0x8u
#define ASSAY_NEED_ABS_MEAN      0x10u
#define ASSAY_NEED_SQ_MEAN       0x20u
#define ASSAY_NEED_MIN_MAX       0x40u
#define ASSAY_NEED_RAW_INPUT     0x80u /* observe is called with the inputs themselves */
#define ASSAY_NEED_MEAN          0x100u

/* assay_needs.schedule */
#define ASSAY_SCHEDULE_WHOLE_BLOCK 0x1u /* quantizer: quantize_block is called, not quantize */
#define ASSAY_SCHEDULE_BLOCK_LOSS  0x2u /* the host must be able to run the block (block.h) */
#define ASSAY_SCHEDULE_MODEL       0x4u /* transform: only all blocks together keep the function */
#define ASSAY_SCHEDULE_AFTER       0x8u /* transform: runs after the quantizer (bias correction) */

/* What the plugin needs from the host, which runs the forward passes. It arrives zeroed. */
typedef struct assay_needs {
  uint32_t struct_size;
  uint32_t statistics; /* ASSAY_NEED_... ; 0 = none: the method is data-free */
  uint32_t schedule;   /* ASSAY_SCHEDULE_... */
  uint32_t reserved;
  int64_t max_tokens; /* transform: its trials (block.h) need at most so many tokens; 0 = all */
} assay_needs;
ASSAY_SIZE(assay_needs, 24);

/* What quantizing a linear will cost, for `assay plan`. It arrives zeroed; leave zero what is not
 * known. */
typedef struct assay_estimate {
  uint32_t struct_size;
  uint32_t reserved;
  double packed_bits; /* of everything emitted for the linear */
  double flops;
  uint64_t scratch_bytes; /* peak memory, beside weight and statistics */
} assay_estimate;
ASSAY_SIZE(assay_estimate, 32);

/* Receives the results as tensors with a role. A group is a run of columns of one row that share a
 * scale; G is the number of groups in a row, w^ the dequantized weight, and a zero the code of the
 * weight 0. Roles with a fixed meaning:
 *   role          shape      dtype
 *   codes         [out, in]  u8 or i8      w^ = scale * (code - zero)
 *   scales        [out, G]   f16 bf16 f32  rounded to this dtype before the codes were chosen
 *   zeros         [out, G]   u8 i8 or float; absent = 0
 *   g_idx         [in]       i32           group of each column; absent: column / group_size, where
 *                                          the last group may be short
 *   codebook      [n]        f32           w^ = scale * codebook[code]; codes are u8 indices
 *   tensor_scale  [1]        f32           one more factor for the whole matrix
 *   keep_idx      [k]        i32           columns that are kept as floats, strictly ascending
 *   keep_values   [out, k]   f16 bf16 f32  weights of these columns, used in place of their codes
 *   perm          [in]       i32           order in which columns were quantized; information only
 * A symmetric integer grid of b bits has i8 codes in [-2^(b-1), 2^(b-1) - 1] and no zeros. An
 * asymmetric one has u8 codes in [0, 2^b - 1] and u8 zeros. Other roles are free; third parties put
 * a prefix before the names of theirs ("org.example.x"). */
typedef struct assay_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Takes ownership of a tensor, even when it fails. The tensor is contiguous and lies on the device
   * of the weight. Emit each role once. packed_bits: bits of one element in a file (4 for 4-bit codes
   * in u8); 0 = all bits of the dtype. The host counts bits per weight from packed_bits, and checks
   * on the CPU that every integer fits into packed_bits bits. [worker] */
  int32_t (*emit)(void *ctx, const char *role, assay_managed *tensor, uint32_t packed_bits);
  /* Takes a JSON object about this linear; several are merged. For an integer grid note "format":
   * "int/1", "bits", "group_size" (in a note 0 = the whole row) and "symmetric". Other keys are shown
   * as the plugin's claims. [worker] */
  int32_t (*note)(void *ctx, const char *json);
} assay_sink;
ASSAY_SIZE(assay_sink, 32);

/* An instance works on one linear (or block) at a time. To work on several, the host makes several
 * instances.
 *
 *  state    calls allowed                                            next state
 *  idle     needs, estimate, dequantize                              idle; after needs: needed
 *  needed   observe (any number), then quantize or quantize_block    idle                       */
typedef struct assay_quantizer_vtable {
  uint32_t struct_size;
  uint32_t reserved;

  /* Makes an instance. config_json: validated, defaults filled in; borrowed. host: valid until
   * destroy. When it fails, it leaves nothing behind. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  /* Frees the instance, in any state. [main] */
  void (*destroy)(void *instance);

  /* Says in `out` what this linear needs. [main] */
  int32_t (*needs)(void *instance, const assay_linear *linear, assay_needs *out);
  /* May be NULL. If `needs` asked for ASSAY_NEED_RAW_INPUT, the host calls it with the linear's
   * inputs: tokens [n, in] f32, one row for each token, in pieces of any length. The result must
   * not depend on how the inputs were cut into pieces. [worker] */
  int32_t (*observe)(void *instance, const assay_linear *linear, const assay_tensor *tokens);
  /* Quantizes the linear and emits the results. stats may be NULL if no statistics were needed.
   * [worker] */
  int32_t (*quantize)(void *instance, const assay_linear *linear, const assay_stats *stats,
                      const assay_sink *sink);
  /* May be NULL. If `needs` asked for ASSAY_SCHEDULE_WHOLE_BLOCK, the host calls it in place of
   * quantize. stats and sinks are in the order of block->linears. Where a sink is NULL, that linear
   * stays as it is. [worker] */
  int32_t (*quantize_block)(void *instance, const assay_block *block,
                            const assay_stats *const *stats, const assay_sink *const *sinks);

  /* Writes the dense weight that the form stands for to out: [out, in] f32, contiguous, on the form's
   * device. dequantize must not be NULL, because the host makes every fake-quantized weight with
   * it. The result depends on the form only: a fresh instance with the same configuration gives the
   * same. [worker] */
  int32_t (*dequantize)(void *instance, const assay_form *form, const assay_tensor *out);

  /* Optional: says what quantizing this linear will cost; weight->data may be NULL here. [main] */
  int32_t (*estimate)(void *instance, const assay_linear *linear, assay_estimate *out);
} assay_quantizer_vtable;
ASSAY_SIZE(assay_quantizer_vtable, 72);

#ifdef __cplusplus
}
#endif
#endif
