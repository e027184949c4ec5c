/* The data that a plugin receives: a linear (one weight matrix), the statistics of its input, its
 * quantized form, a block (one decoder layer). All of it is borrowed. The functions that receive it
 * are in the headers of the kinds. */
#ifndef ASSAY_LINEAR_H
#define ASSAY_LINEAR_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A quantized linear as its quantizer emitted it: tensors by role, and a note (quantizer.h). */
typedef struct assay_form {
  uint32_t struct_size;
  uint32_t n_tensors;
  int64_t out_features, in_features;
  const char *const *roles;           /* n_tensors names: "codes", "scales", ... */
  const assay_tensor *const *tensors; /* n_tensors, contiguous */
  const uint32_t *packed_bits;        /* n_tensors: bits of one element in a file */
  const char *note_json;              /* "format", "bits", "group_size", "symmetric", free keys */
} assay_form;
ASSAY_SIZE(assay_form, 56);

/* ASSAY_LINEAR_EMBEDDING: the linear has no inputs, so its statistics weigh all columns alike. */
#define ASSAY_LINEAR_TIED      1u /* one matrix serves as head and embedding */
#define ASSAY_LINEAR_EXPERT    2u /* in one of several experts (mixture of experts) */
#define ASSAY_LINEAR_LM_HEAD   4u /* the output head */
#define ASSAY_LINEAR_EMBEDDING 8u /* the embedding, if it is not tied */

/* One linear: y = W x + b. Roles: attn.q attn.k attn.v attn.o mlp.gate mlp.up mlp.down moe.router
 * lm_head embed other. A consumer is a program that loads the quantized model. */
typedef struct assay_linear {
  uint32_t struct_size;
  uint32_t flags;        /* ASSAY_LINEAR_... */
  int32_t index;         /* position among the linears of the model, in forward order */
  int32_t block_index;   /* -1 outside the blocks */
  const char *name;      /* "model.layers.0.self_attn.q_proj" */
  const char *role;      /* "attn.q" */
  const char *tie_group; /* consumers fuse linears with the same text here; "" = none */
  const char *arch_json; /* facts of the model: sizes, heads, head_dim, norm kind */
  int64_t in_features, out_features;
  const assay_tensor *weight; /* [out, in] f32, contiguous, read-only */
  const assay_tensor *bias;   /* [out] f32, or NULL */
  double tie_abs_max;         /* max |w| over tie_group, for one shared scale; set in quantize() */
  /* An earlier step of the recipe may have set these members. If clip_min and clip_max are not NULL,
   * `weight` already lies within them. */
  const assay_tensor *clip_min; /* [out, n] f32: limits within which the grid is fitted */
  const assay_tensor *clip_max;
  int64_t clip_group_size; /* columns of weight for each column of clip_min; 0 = all */
  const assay_form *start; /* a form to start from; see apply in transform.h */
} assay_linear;
ASSAY_SIZE(assay_linear, 120);

/* Which model gave the inputs x of the statistics. x_float: the same input in the float model. */
#define ASSAY_PROPAGATE_FLOAT      0u /* the float model */
#define ASSAY_PROPAGATE_QUANTIZED  1u /* the model whose earlier linears are quantized already */
#define ASSAY_PROPAGATE_ASYMMETRIC 2u /* as QUANTIZED; `cross` pairs x with x_float */

/* Statistics of a linear's input x over the calibration tokens that count; masked tokens never do.
 * hessian, hessian_first and cross are plain sums: no factor 2, not divided by n_tokens, nothing
 * added to the diagonal. The members that `needs` asked for are present; others may be NULL. */
typedef struct assay_stats {
  uint32_t struct_size;
  uint32_t propagation; /* ASSAY_PROPAGATE_... */
  int64_t n_tokens;     /* tokens in each statistic below except hessian_first */
  int64_t n_sequences;
  const assay_tensor *hessian;       /* [in, in] f32: sum x x^T, both triangles; rank <= n_tokens */
  const assay_tensor *hessian_first; /* [in, in] f32: sum x x^T over extra sequences of one token */
  const assay_tensor *cross;         /* [in, in] f32: sum x_float x^T (ASYMMETRIC only) */
  const assay_tensor *abs_max;       /* [in] f32: max |x_j| */
  const assay_tensor *abs_mean;      /* [in] f32: mean |x_j| */
  const assay_tensor *sq_mean;       /* [in] f32: mean x_j^2 */
  const assay_tensor *min, *max;     /* [in] f32: smallest and largest x_j */
  const assay_tensor *mean;          /* [in] f32: mean x_j; NULL unless ASSAY_NEED_MEAN */
} assay_stats;
ASSAY_SIZE(assay_stats, 96);

#define ASSAY_NORM_ONE_PLUS 1u /* multiplies by 1 + w; to divide by s, set w to (1 + w) / s - 1 */
#define ASSAY_NORM_CENTERED 2u /* subtracts the mean (LayerNorm) */

typedef struct assay_norm {
  uint32_t struct_size;
  uint32_t flags;             /* ASSAY_NORM_... */
  const char *name;           /* "model.layers.0.input_layernorm" */
  const assay_tensor *weight; /* [channels] f32 */
  const assay_tensor *bias;   /* [channels] f32, or NULL */
} assay_norm;
ASSAY_SIZE(assay_norm, 32);

/* Channels that can be rescaled without changing the function: divide each channel in the producers,
 * which write it, by a scale, and multiply it in the consumers, which read it, by the same scale.
 *   kind      producers              consumers
 *   norm      a norm                 the linears that read it (q k v; gate up)
 *   v_o       rows of v              columns of o, through the heads
 *   up_down   rows of up             columns of down
 *   residual  what writes the        what reads it; only under ASSAY_SCHEDULE_MODEL. The embedding
 *             residual stream        [vocab, channels] writes with its columns
 * If a linear's input has an online operation (transform.h), the linear does not read the producer's
 * channels: that group is absent. Work on groups in the given order: a norm comes before the
 * residual stream that it reads. */
typedef struct assay_group {
  uint32_t struct_size;
  uint32_t n_producers, n_consumers;
  uint32_t reserved;
  const char *name;                     /* "0.attn.in" */
  const char *kind;                     /* "norm", ... */
  const assay_norm *norm;               /* the producer for kind "norm", else NULL */
  const assay_linear *const *producers; /* their rows carry the channels */
  const assay_linear *const *consumers; /* their columns read the channels */
  const assay_stats *stats;             /* of the consumers' shared input, or NULL */
  int64_t channels;                     /* in_features of the consumers */
  /* kind "v_o": channel i of query head h is row i of kv head h * kv_heads / heads, so scales are
   * tied over the query heads that share a kv head. */
  int64_t heads, kv_heads, head_dim;
} assay_group;
ASSAY_SIZE(assay_group, 96);

/* One decoder layer. Block -1 is what lies outside the layers: embedding, final norm, lm_head. */
typedef struct assay_block {
  uint32_t struct_size;
  int32_t index;
  int32_t n_blocks; /* of the model */
  uint32_t n_linears, n_norms, n_groups;
  const char *arch_json;
  const assay_linear *const *linears; /* forward order */
  const assay_norm *const *norms;
  const assay_group *const *groups;
  const char *quantizer_json; /* the recipe's: {"id": "rtn", "config": {...}}, or NULL */
  const void *handle;         /* not NULL: assay.block/1 can run this block */
} assay_block;
ASSAY_SIZE(assay_block, 72);

#ifdef __cplusplus
}
#endif
#endif
