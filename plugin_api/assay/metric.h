/* Kind metric: turns what a task recorded for each of its samples into named numbers, with one score
 * for each sample. A metric sees no logits and no model. The host computes intervals and tests from
 * the scores. */
#ifndef ASSAY_METRIC_H
#define ASSAY_METRIC_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One sample with what its evaluation recorded. All members are borrowed. */
typedef struct assay_sample {
  uint32_t struct_size;
  uint32_t n_arrays;
  int64_t index;           /* position in the task; each comes once, in any order */
  const char *record_json; /* prompt, text, choices, gold (the right answer), finish, ... */
  uint64_t record_bytes;
  const char *const *array_names;    /* n_arrays names, of what the task recorded */
  const assay_tensor *const *arrays; /* n_arrays: [tokens] f32, CPU, contiguous */
} assay_sample;
ASSAY_SIZE(assay_sample, 48);

/* Receives the results. */
typedef struct assay_metric_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Takes one of the numbers that declare named; give each of them once. scores: n values, one for
   * each sample, in order of index. Kind "ratio": weights has n values too, and
   * value = link(sum scores / sum weights). Other kinds: weights is NULL, and
   * value = link(mean of scores). Borrowed. [worker] */
  int32_t (*number)(void *ctx, const char *name, double value, int64_t n, const double *scores,
                    const double *weights);
  /* Takes any JSON object for the report: a table, the worst samples. Borrowed. [worker] */
  int32_t (*note)(void *ctx, const char *json);
} assay_metric_sink;
ASSAY_SIZE(assay_metric_sink, 32);

/*  state    calls allowed                        next state
 *  idle     declare, begin                       idle; after begin: open
 *  open     update (any number), then finish     idle
 * Results must not depend on the order of samples nor on how they were split into calls. */
typedef struct assay_metric_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  /* config_json: defaults filled in, borrowed. host: valid until destroy. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */

  /* Says which arrays the metric reads and which numbers it gives: JSON, valid until destroy. [main]
   *   {"arrays": ["nll"],
   *    "numbers": [{"name": "perplexity", "unit": "1", "direction": "lower", "kind": "ratio",
   *                 "link": "exp", "interval": "block_bootstrap", "summary": "..."}]}
   * arrays     one float for each token: nll (-log p of the right token, nats). Or a comparison with
   *            the reference (the unquantized model): kld (KL divergence, nats); reference_nll,
   *            own_nll (nll of each model); delta_p (own p of the right token - the reference's);
   *            reference_top (the reference's largest p); same_top (1 if both have the same likeliest
   *            token, else 0); top5_shared (share of the reference's 5 likeliest among the own 5)
   * direction  which values are better: lower higher none
   * kind       binary (scores 0 or 1), bounded (with "low" and "high"), mean, ratio
   * link       the function in `number` above: identity exp
   * interval   how the host computes it: wilson t bootstrap block_bootstrap */
  int32_t (*declare)(void *instance, const char **out_json);

  /* Begins an evaluation. info_json: facts of the evaluation, an object with any keys; borrowed.
   * [worker] */
  int32_t (*begin)(void *instance, const char *info_json);
  /* Takes the next n samples; finish then gives the numbers to the sink. Both [worker] */
  int32_t (*update)(void *instance, const assay_sample *const *samples, int64_t n);
  int32_t (*finish)(void *instance, const assay_metric_sink *sink);
} assay_metric_vtable;
ASSAY_SIZE(assay_metric_vtable, 56);

#ifdef __cplusplus
}
#endif
#endif
