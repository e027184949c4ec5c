/* Kind dataset: reads a folder or file on the user's disk as records. A record is a JSON object with
 * declared fields. A dataset knows no tokenizer and no model, and fetches nothing from a network. */
#ifndef ASSAY_DATASET_H
#define ASSAY_DATASET_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Describes the source. It arrives zeroed; all texts are instance (valid until destroy). */
typedef struct assay_dataset_info {
  uint32_t struct_size;
  uint32_t reserved;
  int64_t count;            /* records, or -1 if counting takes a full pass */
  const char *fields_json;  /* fields of every record: {"text": "string", "choices": "array"} */
  const char *content_hash; /* "sha256:<hex>" of what was read: same hash = same records */
  const char *license;      /* NULL if it is not known */
  const char *source;       /* for reports: where the data came from; NULL if it is not known */
} assay_dataset_info;
ASSAY_SIZE(assay_dataset_info, 48);

/* The host calls info, next and rewind in any order. Records come in the same order each time,
 * because shuffling and sampling are the host's work. */
typedef struct assay_dataset_vtable {
  uint32_t struct_size;
  uint32_t reserved;
  /* Opens and checks the source: a missing or damaged file is ASSAY_IO with its path in the text.
   * config_json: defaults filled in, borrowed. host: valid until destroy. [main] */
  int32_t (*create)(const assay_host *host, const char *config_json, void **out_instance);
  void (*destroy)(void *instance); /* [main] */

  int32_t (*info)(void *instance, assay_dataset_info *out); /* fills out [worker] */

  /* Gives the next record: UTF-8 JSON text of *out_bytes bytes, valid until the next call into the
   * instance. Returns ASSAY_END after the last one. A record that cannot be read is a failure whose
   * text names its place (file, line, row). [worker] */
  int32_t (*next)(void *instance, const char **out_json, uint64_t *out_bytes);
  /* Goes back to the start: next then gives the first record. [worker] */
  int32_t (*rewind)(void *instance);
} assay_dataset_vtable;
ASSAY_SIZE(assay_dataset_vtable, 48);

#ifdef __cplusplus
}
#endif
#endif
