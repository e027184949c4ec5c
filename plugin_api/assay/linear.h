/* The data that a plugin receives: a linear, the statistics of its input, its quantized form, a
 * block. All of it is borrowed. The calls are on the pages of the kinds. */
#ifndef ASSAY_LINEAR_H
#define ASSAY_LINEAR_H

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A linear as its quantizer emitted it: named tensors and a note. Roles: see quantizer.h. */
typedef struct assay_form {
  uint32_t struct_size;
  uint32_t n_tensors;
  int64_t out_features, in_features;
  const char *const *roles;           /* n_tensors names: "codes", "scales", ... */
  const assay_tensor *const *tensors; /* n_tensors, contiguous */
  const uint32_t *packed_bits;        /* n_tensors: bits of one element when packed */
  const char *note_json;              /* "format", "bits", "group_size", "symmetric", free keys */
} assay_form;
ASSAY_SIZE(assay_form, 56);

#define ASSAY_LINEAR_TIED      1u /* shares storage with another tensor (lm_head, embedding) */
#define ASSAY_LINEAR_EXPERT    2u /* one of several experts */
#define ASSAY_LINEAR_LM_HEAD   4u /* the output head */
#define ASSAY_LINEAR_EMBEDDING 8u /* a table: statistics, if asked for, weigh all columns alike */

/* One linear: y = W x + b. Roles: attn.q attn.k attn.v attn.o mlp.gate mlp.up mlp.down moe.router
 * lm_head embed other. */
typedef struct assay_linear {
  uint32_t struct_size;
  uint32_t flags;        /* ASSAY_LINEAR_... */
  int32_t index;         /* position among the linears of the model, forward order */
  int32_t block_index;   /* -1 outside the blocks */
  const char *name;      /* "model.layers.0.self_attn.q_proj" */
  const char *role;      /* "attn.q" */
  const char *tie_group; /* same text: fused by consumers, share grid decisions; "" = none */
  const char *arch_json; /* facts of the model: sizes, heads, head_dim, norm kind */
  int64_t in_features, out_features;
  const assay_tensor *weight; /* [out, in] f32, contiguous, read-only */
  const assay_tensor *bias;   /* [out] f32, or NULL */
  double tie_abs_max;         /* max |w| over all members of tie_group, for a shared outer scale */
  /* Left by an earlier stage of the recipe, or NULL: */
  const assay_tensor *clip_min; /* [out, n] f32: limits within which the grid is fitted */
  const assay_tensor *clip_max;
  int64_t clip_group_size; /* weight columns for one column of clip; 0 = all */
  const assay_form *start; /* codes and grid to start from */
} assay_linear;
ASSAY_SIZE(assay_linear, 120);

/* Which inputs x a statistic was taken from. */
#define ASSAY_PROPAGATE_FLOAT      0u /* those of the float model */
#define ASSAY_PROPAGATE_QUANTIZED  1u /* those that the quantized predecessors give */
#define ASSAY_PROPAGATE_ASYMMETRIC 2u /* as QUANTIZED, and `cross` pairs them with the float ones */

/* Statistics of a linear's input over the calibration tokens that count; padding and masked tokens
 * never do. hessian, hessian_first and cross are plain sums: no factor 2, not divided by n_tokens,
 * no damping. Those that `needs` asked for are present, the others are NULL. */
typedef struct assay_stats {
  uint32_t struct_size;
  uint32_t propagation; /* ASSAY_PROPAGATE_... */
  int64_t n_tokens;     /* in every statistic below; rank(hessian) <= n_tokens */
  int64_t n_sequences;
  const assay_tensor *hessian;       /* [in, in] f32: sum x x^T, both triangles */
  const assay_tensor *hessian_first; /* [in, in] f32: the same over first tokens of sequences */
  const assay_tensor *cross;         /* [in, in] f32: sum x_float x^T (ASYMMETRIC only) */
  const assay_tensor *abs_max;       /* [in] f32: max |x_j| */
  const assay_tensor *abs_mean;      /* [in] f32: mean |x_j| */
  const assay_tensor *sq_mean;       /* [in] f32: mean x_j^2 */
  const assay_tensor *min, *max;     /* [in] f32 */
  const assay_tensor *mean;          /* [in] f32: mean x_j; NULL unless ASSAY_NEED_MEAN */
} assay_stats;
ASSAY_SIZE(assay_stats, 96);

#define ASSAY_NORM_ONE_PLUS 1u /* scales by 1 + weight: fold s as (1 + weight) / s - 1 */
#define ASSAY_NORM_CENTERED 2u /* subtracts the mean (LayerNorm) */

typedef struct assay_norm {
  uint32_t struct_size;
  uint32_t flags;             /* ASSAY_NORM_... */
  const char *name;           /* "model.layers.0.input_layernorm" */
  const assay_tensor *weight; /* [channels] f32 */
  const assay_tensor *bias;   /* [channels] f32, or NULL */
} assay_norm;
ASSAY_SIZE(assay_norm, 32);

/* Channels that can be rescaled without changing the function: what makes them -> what reads them.
 *   kind      producers              consumers
 *   norm      a norm                 the linears that read it (q k v; gate up)
 *   v_o       rows of v              columns of o, through the heads
 *   up_down   rows of up             columns of down
 *   residual  what writes the        what reads it (ASSAY_SCHEDULE_MODEL only); the embedding
 *             residual stream        writes with its columns, [vocab, channels]
 * A linear whose input has an online operation reads no producer's channels: its group is absent.
 * Groups come in the order in which they can be worked on: a norm before the stream it reads. */
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

/* One decoder layer, or (index -1) what lies outside: embedding, final norm, lm_head. */
typedef struct assay_block {
  uint32_t struct_size;
  int32_t index;
  int32_t n_blocks; /* of the model */
  uint32_t n_linears, n_norms, n_groups;
  const char *arch_json;
  const assay_linear *const *linears; /* forward order */
  const assay_norm *const *norms;
  const assay_group *const *groups;
  const char *quantizer_json; /* {"id": "rtn", "config": {...}}: what the recipe runs, or NULL */
  const void *handle;         /* for assay.block/1, or NULL */
} assay_block;
ASSAY_SIZE(assay_block, 72);

#ifdef __cplusplus
}
#endif
#endif
