// The metric plugin "perplexity": the face of the accumulator towards the host.
// Not a comparison of variants: the host pairs the scores it hands over.
#include <cmath>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay.h"
#include "assay_json.hpp"
#include "perplexity.hpp"

namespace {

using perplexity_metric::accumulator;
using perplexity_metric::config;

struct instance {
  const assay_host *host;
  config chosen;
  accumulator scores;
  std::string declaration;
};

template <typename function>
int32_t guarded(const assay_host *host, function body) {
  const auto fail = [&](int32_t status, const char *text) {
    return host->fail(host->ctx, status, text);
  };
  try {
    return body();
  } catch (const perplexity_metric::numerical_problem &problem) {
    return fail(ASSAY_NUMERICAL, problem.what());
  } catch (const perplexity_metric::argument_problem &problem) {
    return fail(ASSAY_INVALID_ARGUMENT, problem.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "not enough memory for the samples");
  } catch (const std::exception &problem) {
    return fail(ASSAY_INTERNAL, problem.what());
  }
}

std::string declaration(const config &chosen) {
  const std::string kind = chosen.by_window ? "mean" : "ratio";
  const auto number = [&](const std::string &name, const std::string &unit, const std::string &link,
                          const std::string &summary) {
    return "{\"name\":\"" + name + "\",\"unit\":\"" + unit +
           "\",\"direction\":\"lower\",\"kind\":\"" + kind + "\",\"link\":\"" + link +
           "\",\"interval\":\"block_bootstrap\",\"summary\":\"" + summary + "\"}";
  };
  return "{\"arrays\":[\"nll\"],\"numbers\":[" +
         number("ppl", "ppl", "exp", "exponential of the mean cross-entropy per " + chosen.per) +
         "," + number("ce", "nats", "identity", "mean cross-entropy per " + chosen.per) + "," +
         number("bits", "bits", "identity", "mean cross-entropy per " + chosen.per + " in bits") +
         "]}";
}

int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    const assay_json::value given = assay_json::parse(config_json);
    config chosen;
    chosen.by_window = given.string_or("weighting", "window") == "window";
    chosen.per = given.string_or("per", "token");
    auto made = std::make_unique<instance>(
        instance{host, chosen, accumulator(chosen), declaration(chosen)});
    *out_instance = made.release();
    return ASSAY_OK;
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

int32_t declare(void *self, const char **out_json) {
  *out_json = static_cast<instance *>(self)->declaration.c_str();
  return ASSAY_OK;
}

int32_t begin(void *self, const char *) {
  static_cast<instance *>(self)->scores.clear();
  return ASSAY_OK;
}

const assay_tensor *find_array(const assay_sample &sample, std::string_view name) {
  for (uint32_t i = 0; i < sample.n_arrays; ++i)
    if (name == sample.array_names[i]) return sample.arrays[i];
  return nullptr;
}

void add_sample(instance &mine, const assay_sample &sample) {
  const std::string place = "sample " + std::to_string(sample.index);
  assay_json::value record;
  if (sample.record_bytes > 0)
    record = assay_json::parse({sample.record_json, sample.record_bytes});
  const std::string counter = mine.chosen.per == "word" ? "words" : "bytes";
  const double units = record.number_or(counter, 0.0);
  if (mine.chosen.per != "token" && record.find(counter) == nullptr)
    throw perplexity_metric::argument_problem(place + " has no field '" + counter + "'");
  if (const assay_tensor *nll = find_array(sample, "nll")) {
    if (nll->ndim != 1 || nll->dtype.code != ASSAY_FLOAT || nll->dtype.bits != 32)
      throw perplexity_metric::argument_problem(place + ": the array 'nll' must be [tokens] f32");
    const auto *values =
        reinterpret_cast<const float *>(static_cast<const char *>(nll->data) + nll->byte_offset);
    mine.scores.add(sample.index, values, nll->shape[0], units);
    return;
  }
  if (record.find("nll_sum") == nullptr || record.find("tokens") == nullptr)
    throw perplexity_metric::argument_problem(
        place + " has neither an array 'nll' nor the fields 'nll_sum' and 'tokens'");
  mine.scores.add_sum(sample.index, record.number_or("nll_sum", NAN),
                      record.number_or("tokens", 0.0), units);
}

int32_t update(void *self, const assay_sample *const *samples, int64_t n) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&] {
    for (int64_t i = 0; i < n; ++i) add_sample(mine, *samples[i]);
    return ASSAY_OK;
  });
}

int32_t finish(void *self, const assay_metric_sink *sink) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&]() -> int32_t {
    const auto &samples = mine.scores.sorted();
    const double entropy = mine.scores.cross_entropy();
    std::vector<double> nats, bits, units;
    for (const auto &one : samples) {
      nats.push_back(mine.chosen.by_window ? one.nll_sum / one.units : one.nll_sum);
      bits.push_back(nats.back() / std::log(2.0));
      units.push_back(one.units);
    }
    const double *weights = mine.chosen.by_window ? nullptr : units.data();
    const auto n = static_cast<int64_t>(samples.size());
    int32_t status = sink->number(sink->ctx, "ppl", std::exp(entropy), n, nats.data(), weights);
    if (status == ASSAY_OK)
      status = sink->number(sink->ctx, "ce", entropy, n, nats.data(), weights);
    if (status == ASSAY_OK)
      status = sink->number(sink->ctx, "bits", entropy / std::log(2.0), n, bits.data(), weights);
    if (status == ASSAY_OK) status = sink->note(sink->ctx, mine.scores.note().c_str());
    return status;
  });
}

const char k_schema[] = R"({
  "type": "object",
  "properties": {
    "weighting": {"type": "string", "enum": ["window", "token"], "default": "window",
                  "description": "window: the mean over windows of their means, as in published perplexities; token: sum over sum"},
    "per": {"type": "string", "enum": ["token", "word", "byte"], "default": "token",
            "description": "what the cross-entropy is divided by; words and bytes come from the record"}
  },
  "additionalProperties": false
})";

const assay_metric_vtable k_vtable = {
    sizeof(assay_metric_vtable), 0, create, destroy, declare, begin, update, finish};

const assay_component k_component = {sizeof(assay_component),
                                     ASSAY_KIND_METRIC,
                                     "perplexity",
                                     1,
                                     0,
                                     "Perplexity, cross-entropy and bits per token, word or byte",
                                     k_schema,
                                     nullptr,
                                     &k_vtable,
                                     nullptr};
const assay_component *const k_components[] = {&k_component};

const assay_plugin k_plugin = {sizeof(assay_plugin),
                               ASSAY_ABI_MINOR,
                               "org.assay.perplexity",
                               "1.0.0",
                               "Perplexity from cross-entropies",
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
