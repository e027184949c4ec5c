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

void read_gptaq(const assay_json::value &from, method_config &to) {
  read_gptq(from, to);
  to.alpha = from.number_or("alpha", 0.25);
}

void read_adaround(const assay_json::value &from, method_config &to) {
  to.damping = from.number_or("damping", 0.01);
  to.from_gptq = from.string_or("start", "rtn") == "gptq";
  to.descend = from.bool_or("descend", true);
  to.float_target = from.string_or("target", "same_input") == "float";
  to.iterations = static_cast<int>(from.number_or("iterations", 300));
  to.rate = from.number_or("learning_rate", 0.02);
  to.regulariser = from.number_or("regulariser", 30);
  to.warm_up = from.number_or("warm_up", 0.2);
  to.beta_high = from.number_or("beta_start", 20);
  to.beta_low = from.number_or("beta_end", 2);
}

void read_salient(const assay_json::value &from, method_config &to) {
  to.act_order = from.bool_or("act_order", true);
  to.block_size = static_cast<int64_t>(from.number_or("block_size", 128));
  to.damping = from.number_or("damping", 0.05);
  to.with_feedback = from.string_or("rounding", "gptq") == "gptq";
  to.by_activation = from.string_or("rank", "loss") == "activation";
  to.dynamic = from.bool_or("dynamic", false);
  to.ratio = from.number_or("ratio", 0.01);
  to.threshold = from.number_or("threshold", 4);
  to.high_bits = static_cast<int>(from.number_or("high_bits", 16));
  to.middle_bits = static_cast<int>(from.number_or("middle_bits", 0));
  to.middle_ratio = from.number_or("middle_ratio", 0.1);
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

int32_t needs_cross(void *, const assay_layer *, assay_needs *out) {
  out->statistics = ASSAY_NEED_HESSIAN | ASSAY_NEED_CROSS;
  return ASSAY_OK;
}

int32_t needs_adaround(void *self, const assay_layer *, assay_needs *out) {
  const bool pairs = static_cast<instance *>(self)->config.float_target;
  out->statistics = ASSAY_NEED_HESSIAN | (pairs ? ASSAY_NEED_CROSS : 0u);
  return ASSAY_OK;
}

int32_t needs_salient(void *self, const assay_layer *, assay_needs *out) {
  const bool by_activation = static_cast<instance *>(self)->config.by_activation;
  out->statistics = ASSAY_NEED_HESSIAN | (by_activation ? ASSAY_NEED_ABS_MEAN : 0u);
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

int32_t dequantize_wide(void *self, const assay_form *form, const assay_tensor *out) {
  const auto &my = *static_cast<instance *>(self);
  return guarded(my.host, [&] { hessian::dequantize_salient(my.host, my.config, form, out); });
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

int32_t estimate_salient(void *self, const assay_layer *layer, assay_estimate *out) {
  estimate(self, layer, out);
  const auto &config = static_cast<instance *>(self)->config;
  const double rows = static_cast<double>(layer->out_features);
  const double columns = static_cast<double>(layer->in_features);
  out->packed_bits += rows * columns * config.ratio * config.high_bits;
  if (config.middle_bits)
    out->packed_bits += rows * columns * config.middle_ratio * config.middle_bits;
  return ASSAY_OK;
}

int32_t estimate_adaround(void *self, const assay_layer *layer, assay_estimate *out) {
  estimate(self, layer, out);
  const double rows = static_cast<double>(layer->out_features);
  const double columns = static_cast<double>(layer->in_features);
  out->flops += 2 * rows * columns * columns * static_cast<instance *>(self)->config.iterations;
  out->scratch_bytes += static_cast<uint64_t>(rows * columns * 32);
  return ASSAY_OK;
}

using create_fn = int32_t (*)(const assay_host *, const char *, void **);
using needs_fn = int32_t (*)(void *, const assay_layer *, assay_needs *);
using quantize_fn = int32_t (*)(void *, const assay_layer *, const assay_stats *,
                                const assay_sink *);

constexpr assay_quantizer_vtable table(create_fn made, needs_fn asks, quantize_fn works) {
  return {sizeof(assay_quantizer_vtable),
          0,
          made,
          destroy,
          asks,
          nullptr,
          works,
          nullptr,
          dequantize,
          estimate};
}

constexpr assay_quantizer_vtable k_opt_rtn =
    table(create<read_opt_rtn>, needs_opt_rtn, quantize<hessian::opt_rtn>);
constexpr assay_quantizer_vtable k_gptq =
    table(create<read_gptq>, needs_hessian, quantize<hessian::gptq>);
constexpr assay_quantizer_vtable k_gptaq =
    table(create<read_gptaq>, needs_cross, quantize<hessian::gptaq>);
constexpr assay_quantizer_vtable k_adaround = [] {
  auto made = table(create<read_adaround>, needs_adaround, quantize<hessian::adaround>);
  made.estimate = estimate_adaround;
  return made;
}();
constexpr assay_quantizer_vtable k_salient = [] {
  auto made = table(create<read_salient>, needs_salient, quantize<hessian::salient>);
  made.dequantize = dequantize_wide;
  made.estimate = estimate_salient;
  return made;
}();

#include "schemas.inc"

constexpr const char *k_facts = R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"]})";

constexpr assay_component component(const char *id, const char *summary, const char *schema,
                                    const char *facts, const assay_quantizer_vtable &vtable) {
  return {sizeof(assay_component),
          ASSAY_KIND_QUANTIZER,
          id,
          1,
          0,
          summary,
          schema,
          facts,
          &vtable,
          nullptr};
}

constexpr assay_component k_of_opt_rtn =
    component("opt_rtn", "round to nearest on grids searched with mean x^2", k_opt_rtn_schema,
              k_facts, k_opt_rtn);
constexpr assay_component k_of_gptq =
    component("gptq", "error feedback through the inverse Hessian, on searched static grids",
              k_gptq_schema, k_facts, k_gptq);
constexpr assay_component k_of_gptaq =
    component("gptaq", "gptq with the float model's outputs as target, by the cross-moment",
              k_gptaq_schema, k_facts, k_gptaq);
constexpr assay_component k_of_adaround =
    component("adaround", "learned rounding up or down, through the Hessian", k_adaround_schema,
              k_facts, k_adaround);
constexpr assay_component k_of_salient = component(
    "salient", "the most important columns at a higher width, the rest by gptq", k_salient_schema,
    R"({"bits": [2, 3, 4, 5, 6, 7, 8], "devices": ["cpu"], "formats": ["salient/1"]})", k_salient);
constexpr const assay_component *k_components[] = {&k_of_opt_rtn, &k_of_gptq, &k_of_gptaq,
                                                   &k_of_adaround, &k_of_salient};

constexpr assay_plugin k_plugin = {sizeof(assay_plugin),
                                   ASSAY_ABI_MINOR,
                                   "org.assay.hessian",
                                   "1.1.0",
                                   "integer quantizers that use statistics of the inputs",
                                   "Apache-2.0",
                                   nullptr,
                                   R"({"extensions": ["assay.linalg/1"]})",
                                   5,
                                   0,
                                   k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
