/* Kind exporter: writes quantized forms (linear.h) and unquantized tensors to files that another
 * program (the consumer) loads. The files depend only on what the exporter is handed: it sees no
 * calibration, no script, and no folder except the one that it fills. */
#ifndef ASSAY_EXPORTER_H
#define ASSAY_EXPORTER_H

#include "host.h"
#include "linear.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Collects the reasons why the format cannot hold a plan. */
typedef struct assay_refusals {
  uint32_t struct_size;
  uint32_t reserved;
  void *ctx;
  /* Takes one reason. where: a linear, a tensor or a key of the plan; reason: one sentence without
   * final full stop. Borrowed. [main] */
  void (*refuse)(void *ctx, const char *where, const char *reason);
} assay_refusals;
ASSAY_SIZE(assay_refusals, 24);

/* One tensor of the model: either a quantized form or an untouched tensor; the other is NULL. */
typedef struct assay_item {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name; /* of a form: its linear ("....up_proj"); of a tensor: "...norm.weight" */
  const assay_form *form;
  const assay_tensor *tensor; /* in the dtype in which it is to be stored */
  const char *role;           /* of a form: as in assay_linear; of a tensor: "" */
} assay_item;
ASSAY_SIZE(assay_item, 40);

/* The model to write. Items are contiguous CPU tensors. They come one at a time, so that the host
 * holds few of them in memory. An exporter may read them several times: first for sizes, then for
 * bytes. */
typedef struct assay_export {
  uint32_t struct_size;
  uint32_t n_files;
  void *ctx;
  const char *folder;    /* empty at first; the host renames it on success, else removes it */
  const char *plan_json; /* the plan (see below), now of the finished model */
  const char *const *file_names; /* n_files of the source model: "config.json", ... */
  /* next gives the next item, valid until next or restart is called; ASSAY_END after the last one.
   * After restart, next gives the first item again. Both [worker] */
  int32_t (*next)(void *ctx, const assay_item **out);
  int32_t (*restart)(void *ctx);
  /* Gives the bytes of one of file_names, valid until write returns. [worker] */
  int32_t (*read_file)(void *ctx, const char *name, const void **out_bytes, uint64_t *out_n_bytes);
  /* Write a file of the folder, one file at a time: begin_file, any number of append, end_file. A
   * failure, such as a full disk, is a negative status whose text the host has recorded already:
   * return that status. [worker] */
  int32_t (*begin_file)(void *ctx, const char *name);
  int32_t (*append)(void *ctx, const void *bytes, uint64_t n_bytes);
  int32_t (*end_file)(void *ctx);
} assay_export;
ASSAY_SIZE(assay_export, 88);

/* check sees a plan before the run, and once more before write; it sees no items. The plan says what
 * will be exported. "arch": facts of the model; "tied": head and embedding are one matrix; "scheme":
 * how inputs and the KV cache are rounded (null = not at all); "online": operations in the forward
 * pass (set_online in transform.h):
 *   {"arch": {...}, "tied": true, "scheme": {"activation": null, "kv": null},
 *    "items": [{"name", "role", "in", "out", "format", "bits", "group_size", "symmetric",
 *               "scale_dtype"}],
 *    "online": [{"layer", "op"}], "biases": [names of linears with a bias for which the config of
 *    their family has no key], "untouched": [{"name", "dtype", "shape"}],
 *    "options": {}, "metadata": {}}
 * "biases" is there after the run only. check must refuse the plan if the consumer cannot do what a
 * key asks for, or if "scheme" has a key that the exporter does not know. */
typedef struct assay_exporter_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  /* config_json: defaults filled in, borrowed. host: valid until destroy. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */
  /* Gives to `refusals` what the format cannot hold; returns ASSAY_OK also then. [main] */
  int32_t (*check)(void *instance, const char *plan_json, const assay_refusals *refusals);
  /* Writes the files of the model. [worker] */
  int32_t (*write)(void *instance, const assay_export *job);
} assay_exporter_vtable;
ASSAY_SIZE(assay_exporter_vtable, 40);

#ifdef __cplusplus
}
#endif
#endif
