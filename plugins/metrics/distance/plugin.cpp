// The metric plugin "distribution_distance": the face of the accumulator towards the host.
// Not a comparison of variants with each other: each is compared with the untouched subject alone.
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay.h"
#include "assay_json.hpp"
#include "distance.hpp"

namespace {

using distance_metric::accumulator;
using distance_metric::window;

struct instance {
  const assay_host *host;
  accumulator windows;
};

template <typename function>
int32_t guarded(const assay_host *host, function body) {
  const auto fail = [&](int32_t status, const char *text) {
    return host->fail(host->ctx, status, text);
  };
  try {
    return body();
  } catch (const distance_metric::numerical_problem &problem) {
    return fail(ASSAY_NUMERICAL, problem.what());
  } catch (const distance_metric::argument_problem &problem) {
    return fail(ASSAY_INVALID_ARGUMENT, problem.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "not enough memory for the windows");
  } catch (const std::exception &problem) {
    return fail(ASSAY_INTERNAL, problem.what());
  }
}

const char k_declaration[] =
    R"({"arrays":["kld","reference_nll","own_nll","delta_p","reference_top","same_top","top5_shared"],
"numbers":[
{"name":"kld","unit":"nats","direction":"lower","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean KL divergence of the untouched model's next-token distribution from this one's"},
{"name":"same_top","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"share of tokens at which both models have the same likeliest token"},
{"name":"top5_shared","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"share of the untouched model's five likeliest tokens that are among the five likeliest here"},
{"name":"delta_p","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean change of the right token's probability"},
{"name":"log_ppl_ratio","unit":"nats","direction":"lower","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean change of the right token's negative log-likelihood: the logarithm of the perplexity ratio"}]})";

int32_t create(const assay_host *host, const char *, void **out_instance) {
  return guarded(host, [&] {
    *out_instance = std::make_unique<instance>(instance{host, {}}).release();
    return ASSAY_OK;
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

int32_t declare(void *, const char **out_json) {
  *out_json = k_declaration;
  return ASSAY_OK;
}

int32_t begin(void *self, const char *) {
  static_cast<instance *>(self)->windows.clear();
  return ASSAY_OK;
}

std::vector<float> array_of(const assay_sample &sample, std::string_view name) {
  for (uint32_t i = 0; i < sample.n_arrays; ++i) {
    if (name != sample.array_names[i]) continue;
    const assay_tensor *array = sample.arrays[i];
    if (array->ndim != 1 || array->dtype.code != ASSAY_FLOAT || array->dtype.bits != 32) break;
    const auto *values = reinterpret_cast<const float *>(static_cast<const char *>(array->data) +
                                                         array->byte_offset);
    return {values, values + array->shape[0]};
  }
  throw distance_metric::argument_problem("window " + std::to_string(sample.index) +
                                          " has no array '" + std::string(name) +
                                          "' of [tokens] f32");
}

int32_t update(void *self, const assay_sample *const *samples, int64_t n) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&] {
    for (int64_t i = 0; i < n; ++i) {
      const assay_sample &from = *samples[i];
      mine.windows.add({from.index, array_of(from, "kld"), array_of(from, "reference_nll"),
                        array_of(from, "own_nll"), array_of(from, "delta_p"),
                        array_of(from, "reference_top"), array_of(from, "same_top"),
                        array_of(from, "top5_shared")});
    }
    return ASSAY_OK;
  });
}

int32_t finish(void *self, const assay_metric_sink *sink) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&]() -> int32_t {
    const distance_metric::window_means means = mine.windows.means();
    const std::pair<const char *, const std::vector<double> *> numbers[] = {
        {"kld", &means.kld},
        {"same_top", &means.same_top},
        {"top5_shared", &means.top5_shared},
        {"delta_p", &means.delta_p},
        {"log_ppl_ratio", &means.log_ratio}};
    for (const auto &[name, scores] : numbers) {
      double sum = 0.0;
      for (const double score : *scores) sum += score;
      const auto n = static_cast<int64_t>(scores->size());
      const int32_t status =
          sink->number(sink->ctx, name, sum / static_cast<double>(n), n, scores->data(), nullptr);
      if (status != ASSAY_OK) return status;
    }
    return sink->note(sink->ctx, mine.windows.note().c_str());
  });
}

const assay_metric_vtable k_vtable = {
    sizeof(assay_metric_vtable), 0, create, destroy, declare, begin, update, finish};

const assay_component k_component = {
    sizeof(assay_component),
    ASSAY_KIND_METRIC,
    "distribution_distance",
    1,
    0,
    "Distance of next-token distributions to the untouched model: KLD, agreement, change of "
    "probability",
    R"({"type": "object", "properties": {}, "additionalProperties": false})",
    nullptr,
    &k_vtable,
    nullptr};
const assay_component *const k_components[] = {&k_component};

const assay_plugin k_plugin = {sizeof(assay_plugin),
                               ASSAY_ABI_MINOR,
                               "org.assay.distance",
                               "1.0.0",
                               "Distance to the untouched model",
                               "Apache-2.0",
                               nullptr,
                               nullptr,
                               1,
                               0,
                               k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
