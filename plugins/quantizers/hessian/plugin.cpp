// The C ABI of this plugin: quantizers that use statistics of the inputs. Not the methods
// (methods.hpp).
#include <cmath>
#include <new>
#include <string>

#include "assay.h"
#include "methods.hpp"

namespace {

using hessian::failure;
using hessian::method_config;

struct instance {
  const assay_host *host;
  method_config config;
};

// No exception crosses the ABI: each becomes a status and one sentence.
template <class Body>
int32_t guarded(const assay_host *host, Body &&body) {
  try {
    body();
    return ASSAY_OK;
  } catch (const failure &problem) {
    return host->fail(host->ctx, problem.status, problem.what());
  } catch (const std::bad_alloc &) {
    return host->fail(host->ctx, ASSAY_OUT_OF_MEMORY, "not enough memory");
  } catch (const std::exception &problem) {
    return host->fail(host->ctx, ASSAY_INTERNAL, problem.what());
  }
}

void read_opt_rtn(const assay_json::value &, method_config &) {}

void read_gptq(const assay_json::value &from, method_config &to) {
  to.act_order = from.bool_or("act_order", true);
  to.static_groups = from.bool_or("static_groups", true);
  to.block_size = static_cast<int64_t>(from.number_or("block_size", 128));
  to.damping = from.number_or("damping", 0.05);
}

template <void (*read)(const assay_json::value &, method_config &)>
int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    const auto config = assay_json::parse(config_json);
    instance made{host, {}};
    made.config.grid = hessian::read_grid(config);
    read(config, made.config);
    *out_instance = new instance(made);
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

int32_t needs_opt_rtn(void *self, const assay_layer *, assay_needs *out) {
  const auto search = static_cast<instance *>(self)->config.grid.search;
  out->statistics = search == hessian::grid_search::weighted ? ASSAY_NEED_SQ_MEAN : 0u;
  return ASSAY_OK;
}

int32_t needs_hessian(void *, const assay_layer *, assay_needs *out) {
  out->statistics = ASSAY_NEED_HESSIAN;
  return ASSAY_OK;
}

// NaN and Inf would become codes like any other weight.
void require_finite_weight(const assay_layer *layer) {
  const float *w = hessian::cpu_floats(layer->weight, "the weight");
  const int64_t count = layer->out_features * layer->in_features, width = layer->in_features;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(w[i]))
      throw failure(ASSAY_NUMERICAL, "weight [" + std::to_string(i / width) + ", " +
                                         std::to_string(i % width) + "] is not finite");
}

using method_fn = void (*)(const assay_host *, const method_config &, const assay_layer *,
                           const assay_stats *, const assay_sink *);

template <method_fn method>
int32_t quantize(void *self, const assay_layer *layer, const assay_stats *stats,
                 const assay_sink *sink) {
  const auto &my = *static_cast<instance *>(self);
  return guarded(my.host, [&] {
    require_finite_weight(layer);
    method(my.host, my.config, layer, stats, sink);
  });
}

int32_t dequantize(void *self, const assay_form *form, const assay_tensor *out) {
  const auto &my = *static_cast<instance *>(self);
  return guarded(my.host, [&] { hessian::dequantize_form(my.host, form, out); });
}

// Codes and one scale (and zero) for each group of each row; the working copies of W and H are the
// scratch.
int32_t estimate(void *self, const assay_layer *layer, assay_estimate *out) {
  const auto &o = static_cast<instance *>(self)->config.grid;
  const double rows = static_cast<double>(layer->out_features);
  const double columns = static_cast<double>(layer->in_features);
  const double scale_bits = o.stored == hessian::scale_dtype::float32 ? 32 : 16;
  out->packed_bits = rows * (columns * o.bits + static_cast<double>(o.groups(layer->in_features)) *
                                                    (scale_bits + (o.symmetric ? 0 : o.bits)));
  out->scratch_bytes = static_cast<uint64_t>(rows * columns * 14 + columns * columns * 16);
  out->flops = rows * columns * columns * 1.5 + columns * columns * columns;
  return ASSAY_OK;
}

constexpr assay_quantizer_vtable k_opt_rtn = {
    sizeof(assay_quantizer_vtable), 0,       create<read_opt_rtn>, destroy, needs_opt_rtn, nullptr,
    quantize<hessian::opt_rtn>,     nullptr, dequantize,           estimate};
constexpr assay_quantizer_vtable k_gptq = {
    sizeof(assay_quantizer_vtable), 0,       create<read_gptq>, destroy, needs_hessian, nullptr,
    quantize<hessian::gptq>,        nullptr, dequantize,        estimate};

constexpr const char *k_opt_rtn_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {)"
#include "grid_schema.inc"
    "}}";

constexpr const char *k_gptq_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {)"
#include "grid_schema.inc"
    R"(,
  "act_order": {"type": "boolean", "default": true,
    "description": "work on columns in the order of falling diag H"},
  "static_groups": {"type": "boolean", "default": true,
    "description": "grids fitted once, before feedback; false fits each group when its turn comes"},
  "block_size": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 128, "x-unit": "columns",
    "description": "columns between two products over the rest; does not change results on static grids"},
  "damping": {"type": "number", "minimum": 0, "maximum": 10, "default": 0.05,
    "description": "added to diag H, as a share of its mean"}}})";

constexpr assay_component k_component_opt_rtn = {
    sizeof(assay_component),
    ASSAY_KIND_QUANTIZER,
    "opt_rtn",
    1,
    0,
    "round to nearest on grids searched with mean x^2",
    k_opt_rtn_schema,
    R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"]})",
    &k_opt_rtn,
    nullptr};
constexpr assay_component k_component_gptq = {
    sizeof(assay_component),
    ASSAY_KIND_QUANTIZER,
    "gptq",
    1,
    0,
    "error feedback through the inverse Hessian, on searched static grids",
    k_gptq_schema,
    R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"]})",
    &k_gptq,
    nullptr};
constexpr const assay_component *k_components[] = {&k_component_opt_rtn, &k_component_gptq};

constexpr assay_plugin k_plugin = {sizeof(assay_plugin),
                                   ASSAY_ABI_MINOR,
                                   "org.assay.hessian",
                                   "1.0.0",
                                   "integer quantizers that use statistics of the inputs",
                                   "Apache-2.0",
                                   nullptr,
                                   R"({"extensions": ["assay.linalg/1"]})",
                                   2,
                                   0,
                                   k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
