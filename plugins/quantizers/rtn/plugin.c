/* rtn: round to nearest, the simplest quantizer and the tutorial of WRITING_A_PLUGIN.md. It is C11
 * without libraries. It searches nothing: the extremes of a group of weights decide its scale. */
#include <assay.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

static const char k_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    " \"bits\": {\"type\": \"integer\", \"minimum\": 2, \"maximum\": 8, \"default\": 4,"
    "  \"x-unit\": \"bits\", \"description\": \"width of a code\"},"
    " \"group_size\": {\"type\": \"integer\", \"minimum\": -1, \"not\": {\"const\": 0},"
    "  \"default\": 128, \"x-unit\": \"columns\","
    "  \"description\": \"columns that share a scale; -1 = the whole row\"},"
    " \"symmetric\": {\"type\": \"boolean\", \"default\": true,"
    "  \"description\": \"grid around zero; false stores a zero point for each group\"},"
    " \"range\": {\"type\": \"string\", \"enum\": [\"full\", \"narrow\"], \"default\": \"full\","
    "  \"description\": \"symmetric grids; full: the weight of largest magnitude maps to -2^(b-1);"
    " narrow: it maps to 2^(b-1) - 1 or its negative\"},"
    " \"scale_dtype\": {\"type\": \"string\", \"default\": \"float16\","
    "  \"enum\": [\"float16\", \"bfloat16\", \"float32\"],"
    "  \"description\": \"dtype in which scales are stored\"},"
    " \"ragged\": {\"type\": \"string\", \"enum\": [\"short\", \"error\"], \"default\": \"short\","
    "  \"description\": \"a row that is no multiple of group_size: a shorter last group, or an"
    " error\"}}}";

typedef struct rtn {
  const assay_host *host;
  rtn_grid grid;
  int64_t group_size; /* 0 = the whole row */
  int ragged_is_error;
} rtn;

/* The host has checked the configuration against k_schema and filled in its defaults. */
static int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  (void)config_json; /* the whole configuration as JSON text; needed only for lists and objects */
  int64_t bits = 0, group_size = 0;
  int32_t symmetric = 0;
  const char *range = "", *dtype = "", *ragged = "";
  host->config_integer(host->ctx, "bits", &bits);
  host->config_integer(host->ctx, "group_size", &group_size);
  host->config_flag(host->ctx, "symmetric", &symmetric);
  host->config_text(host->ctx, "range", &range);
  host->config_text(host->ctx, "scale_dtype", &dtype);
  host->config_text(host->ctx, "ragged", &ragged);

  rtn *self = calloc(1, sizeof *self);
  if (self == NULL) return host->fail(host->ctx, ASSAY_OUT_OF_MEMORY, "no memory for an instance");
  self->host = host;
  self->grid.bits = (int)bits;
  self->group_size = group_size < 0 ? 0 : group_size;
  self->grid.range = !symmetric                     ? RTN_ASYMMETRIC
                     : strcmp(range, "narrow") == 0 ? RTN_NARROW
                                                    : RTN_FULL;
  self->grid.scale_dtype = strcmp(dtype, "float32") == 0    ? RTN_F32
                           : strcmp(dtype, "bfloat16") == 0 ? RTN_BF16
                                                            : RTN_F16;
  self->ragged_is_error = strcmp(ragged, "error") == 0;
  *out_instance = self;
  return ASSAY_OK;
}

static void destroy(void *instance) {
  free(instance);
}

/* ---- one linear ---- */

static int64_t group_size_for(const rtn *self, int64_t columns) {
  return self->group_size == 0 || self->group_size > columns ? columns : self->group_size;
}

static int64_t group_count(const rtn *self, int64_t columns) {
  const int64_t size = group_size_for(self, columns);
  return size == 0 ? 0 : (columns + size - 1) / size;
}

static int32_t needs(void *instance, const assay_linear *linear, assay_needs *out) {
  (void)instance, (void)linear, (void)out; /* `out` arrives zeroed: no statistics wanted */
  return ASSAY_OK;
}

static int32_t estimate(void *instance, const assay_linear *linear, assay_estimate *out) {
  const rtn *self = instance;
  const double rows = (double)linear->out_features, columns = (double)linear->in_features;
  const double groups = (double)group_count(self, linear->in_features);
  const int zero_bits = self->grid.range == RTN_ASYMMETRIC ? self->grid.bits : 0;
  out->packed_bits = rows * (columns * self->grid.bits +
                             groups * (rtn_scale_bits(self->grid.scale_dtype) + zero_bits));
  out->flops = 4.0 * rows * columns;
  return ASSAY_OK;
}

/* What the threads share. Each thread has its own rows, so no two write to the same place. */
typedef struct rtn_work {
  const rtn *self;
  const float *weight; /* [rows, columns] */
  int64_t columns, group_size, groups;
  uint8_t *codes; /* [rows, columns] */
  uint8_t *zeros; /* [rows, groups], NULL for symmetric grids */
  void *scales;   /* [rows, groups] in the stored dtype */
  _Bool *clamped; /* [rows, groups]: the dtype could not hold the scale */
} rtn_work;

static int32_t quantize_rows(void *arg, int64_t begin, int64_t end) {
  const rtn_work *work = arg;
  const assay_host *host = work->self->host;
  const rtn_grid *grid = &work->self->grid;
  char text[160];
  for (int64_t row = begin; row < end; ++row) {
    const float *w = work->weight + row * work->columns;
    const int64_t bad = rtn_find_not_finite(w, work->columns);
    if (bad >= 0) {
      snprintf(text, sizeof text, "weight [%lld, %lld] is not finite", (long long)row,
               (long long)bad);
      return host->fail(host->ctx, ASSAY_NUMERICAL, text);
    }
    for (int64_t g = 0; g < work->groups; ++g) {
      const int64_t first = g * work->group_size, left = work->columns - first;
      const int64_t n = left < work->group_size ? left : work->group_size; /* the last is short */
      const int64_t at = row * work->groups + g;
      rtn_group group;
      rtn_fit(grid, w + first, n, &group);
      rtn_encode(grid, &group, w + first, n, work->codes + row * work->columns + first);
      rtn_store_scale(grid->scale_dtype, work->scales, at, group.scale);
      if (work->zeros != NULL) work->zeros[at] = (uint8_t)group.zero;
      work->clamped[at] = group.clamped != 0;
    }
  }
  return ASSAY_OK;
}

static assay_managed *new_matrix(const rtn *self, assay_dtype dtype, int64_t rows,
                                 int64_t columns) {
  int64_t shape[2] = {rows, columns};
  assay_tensor prototype = {0};
  prototype.device.type = ASSAY_CPU;
  prototype.ndim = 2;
  prototype.dtype = dtype;
  prototype.shape = shape;
  assay_managed *made = NULL;
  return self->host->alloc(self->host->ctx, &prototype, &made) == ASSAY_OK ? made : NULL;
}

static void release(assay_managed *tensor) {
  if (tensor != NULL) tensor->deleter(tensor);
}

/* Tells the ledger how many of the n scales their dtype could not hold. */
static void count_clamped(const rtn *self, const _Bool *clamped, int64_t n) {
  uint64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += clamped[i];
  if (count == 0) return;
  self->host->ledger(
      self->host->ctx, "clamped_scale", count,
      "scales set to the smallest normal or the largest finite number of their dtype");
}

/* Gives the tensors and the note to the host. columns: of a row. If one emit fails, the other tensors are still emitted,
 * because emit takes over each tensor and frees it. */
static int32_t emit_all(const rtn *self, const assay_sink *sink, int64_t columns,
                        assay_managed *codes, assay_managed *scales, assay_managed *zeros) {
  const uint32_t bits = (uint32_t)self->grid.bits;
  int32_t status = sink->emit(sink->ctx, "codes", codes, bits); /* the sink owns codes now */
  const int32_t second = sink->emit(sink->ctx, "scales", scales, 0);
  if (status == ASSAY_OK) status = second;
  if (zeros != NULL) {
    const int32_t third = sink->emit(sink->ctx, "zeros", zeros, bits);
    if (status == ASSAY_OK) status = third;
  }
  if (status != ASSAY_OK) return status;
  char note[160];
  const int64_t size = group_size_for(self, columns);
  snprintf(note, sizeof note,
           "{\"format\": \"int/1\", \"bits\": %d, \"group_size\": %lld, \"symmetric\": %s}",
           self->grid.bits, (long long)(size == columns ? 0 : size), zeros == NULL ? "true" : "false");
  return sink->note(sink->ctx, note);
}

/* An earlier step of the recipe (awq with clip) may have found limits for the weights of a group.
 * Then *out is a copy of the weight within these limits, which lives until the call of quantize
 * ends. Without limits *out is NULL. */
static int32_t clipped_weight(const rtn *self, const assay_linear *linear, const float *weight,
                              float **out) {
  *out = NULL;
  if (linear->clip_min == NULL || linear->clip_max == NULL) return ASSAY_OK;
  const int64_t rows = linear->out_features, columns = linear->in_features;
  const int64_t limits = linear->clip_min->shape[1];
  const int64_t size = linear->clip_group_size > 0 ? linear->clip_group_size : columns;
  if (limits * size < columns)
    return self->host->fail(self->host->ctx, ASSAY_INVALID_ARGUMENT,
                            "the clip limits do not cover the row");
  void *memory = NULL;
  const uint64_t bytes = (uint64_t)(rows * columns) * sizeof(float);
  const int32_t status = self->host->scratch(self->host->ctx, bytes, NULL, &memory);
  if (status != ASSAY_OK) return status;
  const float *low =
      (const float *)((const char *)linear->clip_min->data + linear->clip_min->byte_offset);
  const float *high =
      (const float *)((const char *)linear->clip_max->data + linear->clip_max->byte_offset);
  float *to = memory;
  for (int64_t i = 0; i < rows * columns; ++i) {
    const int64_t at = i / columns * limits + i % columns / size;
    to[i] = weight[i] < low[at] ? low[at] : weight[i] > high[at] ? high[at] : weight[i];
  }
  *out = to;
  return ASSAY_OK;
}

static const assay_dtype k_scale_dtypes[] = {
    {ASSAY_FLOAT, 16, 1}, {ASSAY_BFLOAT, 16, 1}, {ASSAY_FLOAT, 32, 1}}; /* index: enum rtn_scale */

static int32_t quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                        const assay_sink *sink) {
  (void)stats;
  const rtn *self = instance;
  const assay_host *host = self->host;
  const int64_t rows = linear->out_features, columns = linear->in_features;
  const int64_t groups = group_count(self, columns);
  if (linear->weight->device.type != ASSAY_CPU)
    return host->fail(host->ctx, ASSAY_UNSUPPORTED, "rtn works on CPU weights");
  if (self->ragged_is_error && self->group_size != 0 && columns % self->group_size != 0)
    return host->fail(host->ctx, ASSAY_INVALID_ARGUMENT,
                      "the row is no multiple of group_size, and ragged is \"error\"");

  const int asymmetric = self->grid.range == RTN_ASYMMETRIC;
  const assay_dtype u8 = {ASSAY_UINT, 8, 1}, i8 = {ASSAY_INT, 8, 1};
  const float *weight =
      (const float *)((const char *)linear->weight->data + linear->weight->byte_offset);
  float *clipped = NULL;
  int32_t status = clipped_weight(self, linear, weight, &clipped);
  if (status != ASSAY_OK) return status;
  void *clamped = NULL;
  assay_managed *codes = new_matrix(self, asymmetric ? u8 : i8, rows, columns);
  assay_managed *scales = new_matrix(self, k_scale_dtypes[self->grid.scale_dtype], rows, groups);
  assay_managed *zeros = asymmetric ? new_matrix(self, u8, rows, groups) : NULL;
  status = ASSAY_OUT_OF_MEMORY; /* alloc has told the host why */
  if (codes != NULL && scales != NULL && (zeros != NULL || !asymmetric))
    status = host->scratch(host->ctx, (uint64_t)(rows * groups), NULL, &clamped);
  if (status == ASSAY_OK) {
    rtn_work work = {self,
                     clipped != NULL ? clipped : weight,
                     columns,
                     group_size_for(self, columns),
                     groups,
                     codes->tensor.data,
                     zeros != NULL ? zeros->tensor.data : NULL,
                     scales->tensor.data,
                     clamped};
    status = host->parallel_for(host->ctx, rows, 16, quantize_rows, &work);
  }
  if (status != ASSAY_OK) {
    release(codes), release(scales), release(zeros);
    return status;
  }
  count_clamped(self, clamped, rows * groups);
  return emit_all(self, sink, columns, codes, scales, zeros);
}

/* ---- dequantizing: weight = scale * (code - zero) ---- */

/* Returns the form's tensor with this role (its name, such as "codes"), or NULL. */
static const assay_tensor *find(const assay_form *form, const char *role) {
  for (uint32_t i = 0; i < form->n_tensors; ++i)
    if (strcmp(form->roles[i], role) == 0) return form->tensors[i];
  return NULL;
}

static const void *start_of(const assay_tensor *tensor) {
  return tensor == NULL ? NULL : (const char *)tensor->data + tensor->byte_offset;
}

typedef struct rtn_back {
  const rtn *self;
  const uint8_t *codes, *zeros;
  const void *scales;
  int64_t columns, group_size, groups;
  float *out;
} rtn_back;

static int32_t dequantize_rows(void *arg, int64_t begin, int64_t end) {
  const rtn_back *back = arg;
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t g = 0; g < back->groups; ++g) {
      const int64_t first = row * back->columns + g * back->group_size;
      const int64_t left = back->columns - g * back->group_size;
      const int64_t n = left < back->group_size ? left : back->group_size;
      const int64_t at = row * back->groups + g;
      const float scale = rtn_load_scale(back->self->grid.scale_dtype, back->scales, at);
      if (back->zeros == NULL) {
        const int8_t *codes = (const int8_t *)back->codes + first;
        for (int64_t i = 0; i < n; ++i) back->out[first + i] = scale * (float)codes[i];
      } else {
        const int32_t zero = back->zeros[at];
        for (int64_t i = 0; i < n; ++i)
          back->out[first + i] = scale * (float)(back->codes[first + i] - zero);
      }
    }
  }
  return ASSAY_OK;
}

static int32_t dequantize(void *instance, const assay_form *form, const assay_tensor *out) {
  const rtn *self = instance;
  const assay_host *host = self->host;
  const assay_tensor *codes = find(form, "codes"), *scales = find(form, "scales");
  const assay_tensor *zeros = find(form, "zeros");
  if (codes == NULL || scales == NULL || (zeros == NULL) != (self->grid.range != RTN_ASYMMETRIC))
    return host->fail(host->ctx, ASSAY_INVALID_ARGUMENT,
                      "not a form that rtn made with this configuration");
  const int64_t columns = form->in_features;
  rtn_back back = {self,
                   start_of(codes),
                   start_of(zeros),
                   start_of(scales),
                   columns,
                   group_size_for(self, columns),
                   group_count(self, columns),
                   NULL};
  back.out = (float *)((char *)out->data + out->byte_offset);
  return host->parallel_for(host->ctx, form->out_features, 16, dequantize_rows, &back);
}

/* ---- what the host sees ---- */

static const assay_quantizer_vtable k_vtable = {
    .struct_size = sizeof(assay_quantizer_vtable),
    .create = create,
    .destroy = destroy,
    .needs = needs,
    .quantize = quantize,
    .dequantize = dequantize,
    .estimate = estimate,
};

static const assay_component k_rtn = {
    .struct_size = sizeof(assay_component),
    .kind = ASSAY_KIND_QUANTIZER,
    .id = "rtn",
    .revision = 1,
    .summary = "round to nearest: each group's grid from its extremes",
    .config_schema = k_schema,
    .facts = "{\"data_free\": true, \"devices\": [\"cpu\"], \"formats\": [\"int/1\"]}",
    .vtable = &k_vtable,
};

static const assay_component *const k_components[] = {&k_rtn};

static const assay_plugin k_plugin = {
    .struct_size = sizeof(assay_plugin),
    .abi_minor = ASSAY_ABI_MINOR,
    .id = "assay.rtn",
    .version = "1.0.0",
    .summary = "round-to-nearest quantization",
    .license = "Apache-2.0",
    .n_components = 1,
    .components = k_components,
};

const assay_plugin *assay_plugin_v1(const assay_host *host) {
  (void)host;
  return &k_plugin;
}
