/* Exporter: quantized forms and untouched tensors -> files that another program loads.
 * A pure function of what it is handed: sees no calibration, no script, and no other folder than
 * the one that it fills. */
#ifndef ASSAY_EXPORTER_H
#define ASSAY_EXPORTER_H

#include "host.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Collects why a plan cannot be held. */
typedef struct assay_refusals {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* where: a linear, a tensor or a key of the plan; reason: one sentence without final full stop.
   * Borrowed. [main] */
  void (*refuse)(void *ctx, const char *where, const char *reason);
} assay_refusals;
ASSAY_SIZE(assay_refusals, 24);

/* One tensor of the model: a quantized form or an untouched tensor. */
typedef struct assay_item {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;       /* form: the linear ("....up_proj"); tensor: in full ("...norm.weight") */
  const assay_form *form; /* or NULL */
  const assay_tensor *tensor; /* or NULL; in the dtype in which it is to be stored */
  const char *role;           /* as in assay_linear; "" where it has none */
} assay_item;
ASSAY_SIZE(assay_item, 40);

/* The model to write. Items are contiguous CPU tensors that come one at a time, so that the host
 * holds few of them. They may be read several times (first for sizes, then for bytes). */
typedef struct assay_export {
  uint32_t struct_size;
  uint32_t n_files;
  void *ctx;
  const char *folder;    /* exists and is empty; the host renames it on success, else removes it */
  const char *plan_json; /* as given to check */
  const char *const *file_names; /* n_files of the subject: "config.json", "tokenizer.json", ... */
  /* The next item, borrowed until next or restart is called; ASSAY_END after the last. [worker] */
  int32_t (*next)(void *ctx, const assay_item **out);
  int32_t (*restart)(void *ctx);
  /* The bytes of one of file_names, valid until write returns. [worker] */
  int32_t (*read_file)(void *ctx, const char *name, const void **out_bytes, uint64_t *out_n_bytes);
  /* Writes a file of the folder: begin_file, any number of append, end_file; one at a time. A full
   * disk and the like is ASSAY_IO, and the host has recorded its text: return it. [worker] */
  int32_t (*begin_file)(void *ctx, const char *name);
  int32_t (*append)(void *ctx, const void *bytes, uint64_t n_bytes);
  int32_t (*end_file)(void *ctx);
} assay_export;
ASSAY_SIZE(assay_export, 88);

/* check comes before the run and sees no items; write comes after it. Any order otherwise.
 *
 * The plan:
 *   {"arch": {...}, "tied": true, "scheme": {"activation": null, "kv": null},
 *    "items": [{"name", "role", "in", "out", "format", "bits", "group_size", "symmetric",
 *               "scale_dtype", "tie_group"}],
 *    "online": [{"layer", "op"}], "biases": [names of linears with a bias that config.json cannot say],
 *    "untouched": [{"name", "dtype", "shape"}],
 *    "options": {...}, "metadata": {...}}
 * A consumer that cannot do what a key asks for must refuse it, an unknown key of "scheme" too. */
typedef struct assay_exporter_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  /* config_json: complete, borrowed. host: instance. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */
  /* Refuses what the format cannot hold; returns ASSAY_OK also then. [main] */
  int32_t (*check)(void *instance, const char *plan_json, const assay_refusals *refusals);
  int32_t (*write)(void *instance, const assay_export *job); /* [worker] */
} assay_exporter_vtable;
ASSAY_SIZE(assay_exporter_vtable, 40);

#ifdef __cplusplus
}
#endif
#endif
