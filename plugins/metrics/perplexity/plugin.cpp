// The C ABI of the metric plugin "perplexity". perplexity.cpp does the work. The host compares the scores of two models.
#include <assay_json.hpp>
#include <assay_records.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "perplexity.hpp"

namespace {

using perplexity_metric::accumulator;
using perplexity_metric::argument_problem;
using perplexity_metric::config;

// What the metric gives, as the JSON that the host asks for (assay/metric.h).
std::string declaration_of(const config &chosen) {
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

config read_config(const assay_cpp::host &host) {
  const assay_cpp::config given(host);
  return {given.text("weighting") == "window", given.text("per")};
}

const assay_tensor *find_array(const assay_sample &sample, std::string_view name) {
  for (uint32_t i = 0; i < sample.n_arrays; ++i)
    if (name == sample.array_names[i]) return sample.arrays[i];
  return nullptr;
}

class perplexity {
 public:
  explicit perplexity(assay_cpp::host host)
      : chosen_(read_config(host)), scores_(chosen_), declaration_(declaration_of(chosen_)) {}

  const char *declare() const { return declaration_.c_str(); }
  void begin(const char *) { scores_.clear(); }

  void add(const assay_sample &sample) {
    const std::string place = "sample " + std::to_string(sample.index);
    assay_json::value record;
    if (sample.record_bytes > 0)
      record = assay_json::parse({sample.record_json, sample.record_bytes});
    const std::string counter = chosen_.per == "word" ? "words" : "bytes";
    const double units = record.number_or(counter, 0.0);
    if (chosen_.per != "token" && record.find(counter) == nullptr)
      throw argument_problem(place + " has no field '" + counter + "'");
    if (const assay_tensor *nll = find_array(sample, "nll")) {
      if (nll->ndim != 1 || nll->dtype.code != ASSAY_FLOAT || nll->dtype.bits != 32)
        throw argument_problem(place + ": the array 'nll' must be [tokens] f32");
      const auto *values =
          reinterpret_cast<const float *>(static_cast<const char *>(nll->data) + nll->byte_offset);
      scores_.add(sample.index, values, nll->shape[0], units);
      return;
    }
    if (record.find("nll_sum") == nullptr || record.find("tokens") == nullptr)
      throw argument_problem(place +
                             " has neither an array 'nll' nor the fields 'nll_sum' and 'tokens'");
    scores_.add_sum(sample.index, record.number_or("nll_sum", NAN), record.number_or("tokens", 0.0),
                    units);
  }

  void finish(const assay_metric_sink &sink) {
    const auto &samples = scores_.sorted();
    const double entropy = scores_.cross_entropy();
    std::vector<double> nats, bits, units;
    for (const auto &one : samples) {
      nats.push_back(chosen_.by_window ? one.nll_sum / one.units : one.nll_sum);
      bits.push_back(nats.back() / std::log(2.0));
      units.push_back(one.units);
    }
    const double *weights = chosen_.by_window ? nullptr : units.data();
    const auto give = [&](const char *name, double value, const std::vector<double> &per_sample) {
      assay_cpp::pass_on(sink.number(sink.ctx, name, value, static_cast<int64_t>(samples.size()),
                                     per_sample.data(), weights));
    };
    give("ppl", std::exp(entropy), nats);
    give("ce", entropy, nats);
    give("bits", entropy / std::log(2.0), bits);
    assay_cpp::pass_on(sink.note(sink.ctx, scores_.note().c_str()));
  }

 private:
  config chosen_;
  accumulator scores_;
  std::string declaration_;
};

const char k_schema[] = R"({
  "type": "object",
  "properties": {
    "weighting": {"type": "string", "enum": ["window", "token"], "default": "window",
                  "description": "window: every window has the same weight, as in published perplexities; token: every token (or word, or byte) has the same weight"},
    "per": {"type": "string", "enum": ["token", "word", "byte"], "default": "token",
            "description": "the cross-entropy is given per token, word or byte; the record has the numbers of words and bytes"}
  },
  "additionalProperties": false
})";

const assay_metric_vtable k_vtable = assay_cpp::metric_table<perplexity>();

const auto k_component = assay_cpp::component(
    "perplexity", "Perplexity, cross-entropy and bits per token, word or byte", k_schema, k_vtable);
const assay_component *const k_components[] = {&k_component};

const auto k_plugin = assay_cpp::plugin(
    "org.assay.perplexity", "1.1.0", "Perplexity from cross-entropies", "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
