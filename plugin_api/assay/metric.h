/* Metric: what an engine recorded for each sample of a task -> named numbers with one score for
 * each sample. Sees no logits and no model. Intervals and tests are the host's: they need the
 * scores, not the metric. */
#ifndef ASSAY_METRIC_H
#define ASSAY_METRIC_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One sample as evaluated. All borrowed. */
typedef struct assay_sample {
  uint32_t struct_size;
  uint32_t n_arrays;
  int64_t index;           /* position in the task; each index comes once, in any order */
  const char *record_json; /* prompt, text, choices, gold, scores of choices, finish, ... */
  uint64_t record_bytes;
  const char *const *array_names;    /* those that declare asked for and the task has */
  const assay_tensor *const *arrays; /* [tokens] f32, CPU, contiguous */
} assay_sample;
ASSAY_SIZE(assay_sample, 48);

/* Receives the numbers. */
typedef struct assay_metric_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* A number that declare named. scores: one for each sample in order of index, n of them. weights:
   * the same for kind "ratio", whose value is link(sum scores / sum weights); NULL otherwise, and
   * the value is link(mean scores). Borrowed. [worker] */
  int32_t (*number)(void *ctx, const char *name, double value, int64_t n, const double *scores,
                    const double *weights);
  /* A free JSON object for the report: a table, the worst samples. Borrowed. [worker] */
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
  /* config_json: complete, borrowed. host: instance. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */

  /* What it reads and which numbers it returns: JSON, instance. [main]
   *   {"arrays": ["nll"],
   *    "numbers": [{"name": "perplexity", "unit": "1", "direction": "lower", "kind": "ratio",
   *                 "link": "exp", "interval": "block_bootstrap", "summary": "..."}]}
   * arrays     nll (-log p of the token, nats), greedy (1 if it was the likeliest), entropy, rank;
   *            against the untouched subject: kld, top_match, delta_logp
   * direction  lower higher none
   * kind       binary (scores 0 or 1), bounded (with "low" and "high"), mean, ratio
   * link       identity exp
   * interval   wilson t bootstrap block_bootstrap */
  int32_t (*declare)(void *instance, const char **out_json);

  /* A new evaluation; info_json: task, protocol id, variant, number of samples. [worker] */
  int32_t (*begin)(void *instance, const char *info_json);
  int32_t (*update)(void *instance, const assay_sample *const *samples, int64_t n); /* [worker] */
  int32_t (*finish)(void *instance, const assay_metric_sink *sink);                 /* [worker] */
} assay_metric_vtable;
ASSAY_SIZE(assay_metric_vtable, 56);

#ifdef __cplusplus
}
#endif
#endif
