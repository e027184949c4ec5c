// The C ABI of the metric plugin "distribution_distance". distance.cpp does the work. Each variant is compared with the
// untouched model, never with another variant.
#include <assay_records.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "distance.hpp"

namespace {

const char k_declaration[] =
    R"({"arrays":["kld","reference_nll","own_nll","delta_p","reference_top","same_top","top5_shared"],
"numbers":[
{"name":"kld","unit":"nats","direction":"lower","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean KL divergence of the untouched model's next-token distribution from the variant's"},
{"name":"same_top","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"share of tokens at which both models have the same likeliest token"},
{"name":"top5_shared","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"share of the untouched model's five likeliest tokens that are among the variant's five likeliest"},
{"name":"delta_p","unit":"fraction","direction":"higher","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean change of the right token's probability"},
{"name":"log_ppl_ratio","unit":"nats","direction":"lower","kind":"mean","link":"identity","interval":"block_bootstrap",
 "summary":"mean change of the right token's negative log-likelihood: the logarithm of the perplexity ratio"}]})";

// Copies an array of the sample. Throws argument_problem if it is absent or no vector of f32.
std::vector<float> array_of(const assay_sample &sample, std::string_view name) {
  for (uint32_t i = 0; i < sample.n_arrays; ++i) {
    if (name != sample.array_names[i]) continue;
    const assay_tensor *array = sample.arrays[i];
    if (array->ndim != 1 || array->dtype.code != ASSAY_FLOAT || array->dtype.bits != 32) break;
    const auto *values = reinterpret_cast<const float *>(static_cast<const char *>(array->data) +
                                                         array->byte_offset);
    return {values, values + array->shape[0]};
  }
  throw assay_cpp::argument_problem("window " + std::to_string(sample.index) + " has no array '" +
                                    std::string(name) + "' of [tokens] f32");
}

class distribution_distance {
 public:
  explicit distribution_distance(assay_cpp::host) {}

  const char *declare() const { return k_declaration; }
  void begin(const char *) { windows_.clear(); }

  void add(const assay_sample &from) {
    windows_.add({from.index, array_of(from, "kld"), array_of(from, "reference_nll"),
                  array_of(from, "own_nll"), array_of(from, "delta_p"),
                  array_of(from, "reference_top"), array_of(from, "same_top"),
                  array_of(from, "top5_shared")});
  }

  void finish(const assay_metric_sink &sink) {
    const distance_metric::window_means means = windows_.means();
    const auto give = [&](const char *name, const std::vector<double> &scores) {
      double sum = 0.0;
      for (const double score : scores) sum += score;
      const auto n = static_cast<int64_t>(scores.size());
      assay_cpp::pass_on(
          sink.number(sink.ctx, name, sum / static_cast<double>(n), n, scores.data(), nullptr));
    };
    give("kld", means.kld);
    give("same_top", means.same_top);
    give("top5_shared", means.top5_shared);
    give("delta_p", means.delta_p);
    give("log_ppl_ratio", means.log_ratio);
    assay_cpp::pass_on(sink.note(sink.ctx, windows_.note().c_str()));
  }

 private:
  distance_metric::accumulator windows_;
};

const auto k_vtable = assay_cpp::metric_table<distribution_distance>();

const auto k_component = assay_cpp::component(
    "distribution_distance",
    "Distance of next-token distributions to the untouched model: KLD, agreement, change of "
    "probability",
    R"({"type": "object", "properties": {}, "additionalProperties": false})", k_vtable);
const assay_component *const k_components[] = {&k_component};

const auto k_plugin = assay_cpp::plugin(
    "org.assay.distance", "1.0.0", "Distance to the untouched model", "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
