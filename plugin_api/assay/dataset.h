/* Dataset: a folder or file on the user's disk -> records, each one JSON object with declared
 * fields. Knows no tokenizer and no model, and fetches nothing from a network. */
#ifndef ASSAY_DATASET_H
#define ASSAY_DATASET_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the source is. Arrives zeroed; all texts are instance. */
typedef struct assay_dataset_info {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t count;            /* records, or -1 if that takes a full pass */
  const char *fields_json;  /* of every record: {"text": "string", "choices": "array"} */
  const char *content_hash; /* "sha256:<hex>" of what was read: same hash = same records */
  const char *license;      /* as far as known, else NULL */
  const char *source;       /* where it came from, for reports, else NULL */
} assay_dataset_info;
ASSAY_SIZE(assay_dataset_info, 48);

/* info, next and rewind in any order. Records come in the same order each time: shuffling and
 * sampling are the host's. */
typedef struct assay_dataset_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  /* Opens and checks the source: a missing or damaged file is ASSAY_IO with its path in the text.
   * config_json: complete, borrowed. host: instance. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */

  int32_t (*info)(void *instance, assay_dataset_info *out); /* [worker] */

  /* The next record: UTF-8 JSON text of *out_bytes bytes, borrowed until the next call into the
   * instance. ASSAY_END after the last one. A record that cannot be read fails with its place
   * (file, line, row). [worker] */
  int32_t (*next)(void *instance, const char **out_json, uint64_t *out_bytes);
  /* next gives the first record again. [worker] */
  int32_t (*rewind)(void *instance);
} assay_dataset_vtable;
ASSAY_SIZE(assay_dataset_vtable, 48);

#ifdef __cplusplus
}
#endif
#endif
