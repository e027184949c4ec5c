/* The smallest working quantizer: codes are round(w / 0.01), limited to +-127; the scale of every row is 0.01. Each C file of this
 * folder is this quantizer with one mistake or oddity (nan_metric.c turns it into a metric). Before the include, a file defines the
 * macro of the part that it replaces (QUANTIZE, SCHEMA, ...); after it, the file ends with MINIMAL_PLUGIN("id"). */
#ifndef BAD_PLUGINS_MINIMAL_H
#define BAD_PLUGINS_MINIMAL_H

#include <assay.h>
#include <stdlib.h>
#include <string.h>

static const assay_host *g_host; /* a real plugin keeps this in its instance; a global is shorter */

static inline int32_t minimal_create(const assay_host *host, const char *config, void **out) {
  (void)config;
  g_host = host;
  *out = (void *)&g_host;
  return ASSAY_OK;
}

static inline void minimal_destroy(void *instance) {
  (void)instance;
}

static inline int32_t minimal_needs(void *instance, const assay_linear *linear, assay_needs *out) {
  (void)instance, (void)linear, (void)out;
  return ASSAY_OK;
}

static inline assay_managed *new_tensor(uint8_t code, uint8_t bits, int64_t rows, int64_t columns) {
  int64_t shape[2] = {rows, columns};
  assay_tensor prototype;
  memset(&prototype, 0, sizeof prototype);
  prototype.device.type = ASSAY_CPU;
  prototype.ndim = 2;
  prototype.dtype.code = code;
  prototype.dtype.bits = bits;
  prototype.dtype.lanes = 1;
  prototype.shape = shape;
  assay_managed *made = NULL;
  return g_host->alloc(g_host->ctx, &prototype, &made) == ASSAY_OK ? made : NULL;
}

static inline const float *weight_of(const assay_linear *linear) {
  return (const float *)((const char *)linear->weight->data + linear->weight->byte_offset);
}

static inline assay_managed *minimal_codes(const assay_linear *linear) {
  assay_managed *codes = new_tensor(ASSAY_INT, 8, linear->out_features, linear->in_features);
  if (codes == NULL) return NULL;
  for (int64_t i = 0; i < linear->out_features * linear->in_features; ++i) {
    float steps = weight_of(linear)[i] * 100.0f;
    steps = steps < -127.0f ? -127.0f : steps > 127.0f ? 127.0f : steps;
    ((int8_t *)codes->tensor.data)[i] = (int8_t)(int32_t)(steps + (steps < 0 ? -0.5f : 0.5f));
  }
  return codes;
}

static inline assay_managed *minimal_scales(const assay_linear *linear, float value) {
  assay_managed *scales = new_tensor(ASSAY_FLOAT, 32, linear->out_features, 1);
  for (int64_t i = 0; scales != NULL && i < linear->out_features; ++i)
    ((float *)scales->tensor.data)[i] = value;
  return scales;
}

/* Describes the emitted tensors to the host, as JSON: integer codes of 8 bits, one scale for each row (group_size 0). */
static inline int32_t minimal_note(const assay_sink *sink) {
  return sink->note(sink->ctx,
                    "{\"format\": \"int/1\", \"bits\": 8, \"group_size\": 0,"
                    " \"symmetric\": true}");
}

static inline int32_t minimal_quantize(void *instance, const assay_linear *linear,
                                       const assay_stats *stats, const assay_sink *sink) {
  (void)instance, (void)stats;
  assay_managed *codes = minimal_codes(linear), *scales = minimal_scales(linear, 0.01f);
  if (codes == NULL || scales == NULL) {
    if (codes != NULL) codes->deleter(codes);
    if (scales != NULL) scales->deleter(scales);
    return ASSAY_OUT_OF_MEMORY;
  }
  int32_t status = sink->emit(sink->ctx, "codes", codes, 8);
  const int32_t second = sink->emit(sink->ctx, "scales", scales, 0);
  if (status == ASSAY_OK) status = second;
  return status == ASSAY_OK ? minimal_note(sink) : status;
}

static inline int32_t minimal_dequantize(void *instance, const assay_form *form,
                                         const assay_tensor *out) {
  (void)instance;
  const int8_t *codes =
      (const int8_t *)((const char *)form->tensors[0]->data + form->tensors[0]->byte_offset);
  float *w = (float *)((char *)out->data + out->byte_offset);
  for (int64_t i = 0; i < form->out_features * form->in_features; ++i)
    w[i] = 0.01f * (float)codes[i];
  return ASSAY_OK;
}

#ifndef CREATE
#define CREATE minimal_create
#endif
#ifndef QUANTIZE
#define QUANTIZE minimal_quantize
#endif
#ifndef DEQUANTIZE
#define DEQUANTIZE minimal_dequantize
#endif
#ifndef SCHEMA
#define SCHEMA "{\"type\": \"object\", \"properties\": {}}"
#endif
#ifndef KIND
#define KIND ASSAY_KIND_QUANTIZER
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef VTABLE
#define VTABLE &k_vtable
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE (uint32_t)sizeof(assay_plugin)
#endif
#ifndef ENTRY
#define ENTRY assay_plugin_v1
#endif
#ifndef ENTRY_BODY
#define ENTRY_BODY return &k_plugin
#endif

#define MINIMAL_PLUGIN(ID)                                                                       \
  static const assay_quantizer_vtable k_vtable = {.struct_size = sizeof(assay_quantizer_vtable), \
                                                  .create = CREATE,                              \
                                                  .destroy = minimal_destroy,                    \
                                                  .needs = minimal_needs,                        \
                                                  .quantize = QUANTIZE,                          \
                                                  .dequantize = DEQUANTIZE};                     \
  static const assay_component k_component = {.struct_size = sizeof(assay_component),            \
                                              .kind = KIND,                                      \
                                              .id = ID,                                          \
                                              .revision = 1,                                     \
                                              .flags = FLAGS,                                    \
                                              .summary = "a sin",                                \
                                              .config_schema = SCHEMA,                           \
                                              .vtable = VTABLE};                                 \
  static const assay_component *const k_components[] = {&k_component};                           \
  static const assay_plugin k_plugin = {.struct_size = PLUGIN_SIZE,                              \
                                        .id = "test." ID,                                        \
                                        .version = "1.0.0",                                      \
                                        .summary = "a sin",                                      \
                                        .license = "Apache-2.0",                                 \
                                        .n_components = 1,                                       \
                                        .components = k_components};                             \
  ASSAY_EXPORT const assay_plugin *ENTRY(const assay_host *host) {                               \
    (void)host, (void)&k_plugin, (void)&k_vtable;                                                \
    ENTRY_BODY;                                                                                  \
  }                                                                                              \
  typedef int minimal_plugin_needs_a_semicolon

#endif
