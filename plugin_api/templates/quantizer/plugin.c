/* @NAME@: a quantizer for assay in C11; WRITING_A_PLUGIN.md beside assay.h explains it. As generated,
 * it gives each row one scale and rounds each weight to the nearest multiple of it. Replace
 * quantize_row with your method. */
#include <assay.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char k_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    " \"bits\": {\"type\": \"integer\", \"minimum\": 2, \"maximum\": 8, \"default\": 4,"
    "  \"x-unit\": \"bits\", \"description\": \"width of a code\"}}}";

typedef struct instance {
  const assay_host *host;
  int bits;
} instance;

/* The host has checked the configuration against k_schema and filled in its defaults. */
static int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  (void)config_json; /* all values as JSON: read nested ones from it */
  int64_t bits = 0;
  host->config_integer(host->ctx, "bits", &bits);
  instance *self = calloc(1, sizeof *self);
  if (self == NULL) return host->fail(host->ctx, ASSAY_OUT_OF_MEMORY, "no memory for an instance");
  self->host = host;
  self->bits = (int)bits;
  *out_instance = self;
  return ASSAY_OK;
}

static void destroy(void *self) {
  free(self);
}

/* Says which statistics of the inputs you need, for example out->statistics = ASSAY_NEED_HESSIAN. */
static int32_t needs(void *self, const assay_linear *linear, assay_needs *out) {
  (void)self, (void)linear, (void)out;
  return ASSAY_OK;
}

/* Your method: turns one row of n weights into its scale and n codes. Returns 1, or 0 if a weight is
 * not finite. */
static int quantize_row(int bits, const float *w, int64_t n, float *scale, int8_t *codes) {
  const float top = (float)((1 << (bits - 1)) - 1);
  float largest = 0.0f;
  for (int64_t i = 0; i < n; ++i) {
    if (!isfinite(w[i])) return 0;
    largest = fabsf(w[i]) > largest ? fabsf(w[i]) : largest;
  }
  *scale = largest > 0.0f ? largest / top : 1.0f;
  if (*scale < 0x1p-126f) *scale = 0x1p-126f; /* the smallest normal number: codes stay in range */
  for (int64_t i = 0; i < n; ++i) {
    const float steps = w[i] / *scale;
    codes[i] = (int8_t)(steps > 0 ? steps + 0.5f : steps - 0.5f);
  }
  return 1;
}

/* Allocates a tensor [rows, columns]; NULL without memory. Hand it to a sink or call its deleter. */
static assay_managed *new_matrix(const assay_host *host, uint8_t code, uint8_t bits, int64_t rows,
                                 int64_t columns) {
  int64_t shape[2] = {rows, columns};
  assay_tensor prototype = {0};
  prototype.device.type = ASSAY_CPU;
  prototype.ndim = 2;
  prototype.dtype.code = code;
  prototype.dtype.bits = bits;
  prototype.dtype.lanes = 1;
  prototype.shape = shape;
  assay_managed *made = NULL;
  return host->alloc(host->ctx, &prototype, &made) == ASSAY_OK ? made : NULL;
}

/* Quantizes all rows: scales [out, 1], codes [out, in]. */
static int32_t quantize_all(const instance *self, const assay_linear *linear, float *scales,
                            int8_t *codes) {
  const assay_host *host = self->host;
  const float *w =
      (const float *)((const char *)linear->weight->data + linear->weight->byte_offset);
  for (int64_t row = 0; row < linear->out_features; ++row) {
    const int64_t at = row * linear->in_features;
    if (host->cancelled(host->ctx)) return ASSAY_CANCELLED;
    if (quantize_row(self->bits, w + at, linear->in_features, scales + row, codes + at)) continue;
    char text[80];
    snprintf(text, sizeof text, "row %lld of the weight is not finite", (long long)row);
    return host->fail(host->ctx, ASSAY_NUMERICAL, text);
  }
  return ASSAY_OK;
}

static int32_t quantize(void *opaque, const assay_linear *linear, const assay_stats *stats,
                        const assay_sink *sink) {
  (void)stats;
  const instance *self = opaque;
  const assay_host *host = self->host;
  if (linear->weight->device.type != ASSAY_CPU)
    return host->fail(host->ctx, ASSAY_UNSUPPORTED, "@NAME@ works on CPU weights");
  assay_managed *codes = new_matrix(host, ASSAY_INT, 8, linear->out_features, linear->in_features);
  assay_managed *scales = new_matrix(host, ASSAY_FLOAT, 32, linear->out_features, 1);
  int32_t status = codes != NULL && scales != NULL ? ASSAY_OK : ASSAY_OUT_OF_MEMORY;
  if (status == ASSAY_OK)
    status = quantize_all(self, linear, scales->tensor.data, codes->tensor.data);
  if (status != ASSAY_OK) {
    if (codes != NULL) codes->deleter(codes);
    if (scales != NULL) scales->deleter(scales);
    return status;
  }
  status =
      sink->emit(sink->ctx, "codes", codes, (uint32_t)self->bits); /* takes codes even on failure */
  const int32_t second = sink->emit(sink->ctx, "scales", scales, 0);
  if (status != ASSAY_OK || second != ASSAY_OK) return status != ASSAY_OK ? status : second;
  char note[96];
  snprintf(note, sizeof note,
           "{\"format\": \"int/1\", \"bits\": %d, \"group_size\": 0, \"symmetric\": true}",
           self->bits);
  return sink->note(sink->ctx, note);
}

/* The first element of the tensor with this role; NULL if the form has none. */
static const void *data_of(const assay_form *form, const char *role) {
  for (uint32_t i = 0; i < form->n_tensors; ++i)
    if (strcmp(form->roles[i], role) == 0)
      return (const char *)form->tensors[i]->data + form->tensors[i]->byte_offset;
  return NULL;
}

/* Writes the dense weight that the form stands for. The host calls it for every fake-quantized weight. */
static int32_t dequantize(void *opaque, const assay_form *form, const assay_tensor *out) {
  const instance *self = opaque;
  const int8_t *codes = data_of(form, "codes");
  const float *scales = data_of(form, "scales");
  float *w = (float *)((char *)out->data + out->byte_offset);
  if (codes == NULL || scales == NULL)
    return self->host->fail(self->host->ctx, ASSAY_INVALID_ARGUMENT, "not a form that @NAME@ made");
  for (int64_t i = 0; i < form->out_features * form->in_features; ++i)
    w[i] = scales[i / form->in_features] * (float)codes[i];
  return ASSAY_OK;
}

static const assay_quantizer_vtable k_vtable = {
    .struct_size = sizeof(assay_quantizer_vtable),
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .quantize = quantize,
    .dequantize = dequantize,
};

static const assay_component k_component = {
    .struct_size = sizeof(assay_component),
    .kind = ASSAY_KIND_QUANTIZER,
    .id = "@NAME@",
    .revision = 1, /* raise it when the same input gives other results */
    .summary = "one line about @NAME@",
    .config_schema = k_schema,
    .facts = "{\"data_free\": true, \"devices\": [\"cpu\"], \"formats\": [\"int/1\"]}",
    .vtable = &k_vtable,
};

static const assay_component *const k_components[] = {&k_component};

static const assay_plugin k_plugin = {
    .struct_size = sizeof(assay_plugin),
    .abi_minor = ASSAY_ABI_MINOR,
    .id = "org.example.@NAME@",
    .version = "0.1.0",
    .summary = "one line about this plugin",
    .license = "Apache-2.0",
    .n_components = 1,
    .components = k_components,
};

const assay_plugin *assay_plugin_v1(const assay_host *host) {
  (void)host;
  return &k_plugin;
}
