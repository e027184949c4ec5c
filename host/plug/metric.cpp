// Calls a metric plugin. Its declaration is checked once, and the numbers that it gives are checked against the declaration.
#include "plug/metric.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "plug/service_context.hpp"
#include "plug/tensor.hpp"

namespace assay::plug {
namespace {

bool is_one_of(const std::string &word, std::initializer_list<const char *> words) {
  return std::any_of(words.begin(), words.end(), [&](const char *w) { return word == w; });
}

// What assay_metric_sink::ctx points to during one call of finish.
struct number_context {
  service_context &services;
  const metric_declaration &declared;
  int64_t n_samples;
  metric_result result;

  const number_declaration &declaration(const char *name) const {
    for (const number_declaration &one : declared.numbers)
      if (name != nullptr && one.name == name) return one;
    throw error(error_kind::plugin, std::string("gave the number '") +
                                        (name != nullptr ? name : "") +
                                        "', which it did not declare");
  }

  void take(const char *name, double value, int64_t n, const double *scores,
            const double *weights) {
    const number_declaration &what = declaration(name);
    const auto refuse = [&](const std::string &why) {
      throw error(error_kind::plugin, "gave the number '" + what.name + "' " + why);
    };
    for (const metric_number &other : result.numbers)
      if (other.what.name == what.name) refuse("twice");
    if (n != n_samples)
      refuse("with " + std::to_string(n) + " scores for " + std::to_string(n_samples) + " samples");
    if (n > 0 && scores == nullptr) refuse("without scores");
    if (!std::isfinite(value)) refuse("with the value " + std::to_string(value));
    if (n > 0 && what.kind == "ratio" && weights == nullptr)
      refuse("of kind ratio without weights");
    metric_number one{what, value, {}, {}};
    if (n > 0) one.scores.assign(scores, scores + n);
    if (n > 0 && weights != nullptr) one.weights.assign(weights, weights + n);
    check_scores(one, refuse);
    result.numbers.push_back(std::move(one));
  }

  // Refuses a score outside the range that the kind of the number promises, because the methods for intervals rely on it.
  template <class F>
  static void check_scores(const metric_number &one, const F &refuse) {
    const number_declaration &what = one.what;
    for (size_t i = 0; i < one.scores.size(); ++i) {
      const double score = one.scores[i];
      const bool bad = !std::isfinite(score) ||
                       (what.kind == "binary" && score != 0 && score != 1) ||
                       (what.kind == "bounded" && (score < what.low || score > what.high));
      if (bad)
        refuse("of kind " + what.kind + " with the score " + std::to_string(score) +
               " for sample " + std::to_string(i));
    }
  }
};

int32_t number(void *ctx, const char *name, double value, int64_t n, const double *scores,
               const double *weights) noexcept {
  auto &self = *static_cast<number_context *>(ctx);
  return self.services.guarded([&] { self.take(name, value, n, scores, weights); });
}

int32_t note(void *ctx, const char *text) noexcept {
  auto &self = *static_cast<number_context *>(ctx);
  return self.services.guarded([&] {
    const json value = parse_json(text != nullptr ? text : "", "note");
    if (!value.is_object())
      throw error(error_kind::plugin, "gave a note that is not a JSON object");
    self.result.note.update(value);
  });
}

number_declaration read_number(const json &value) {
  number_declaration out;
  out.name = value.at("name").get<std::string>();
  out.unit = value.value("unit", "");
  out.direction = value.value("direction", "none");
  out.kind = value.at("kind").get<std::string>();
  out.link = value.value("link", "identity");
  out.interval = value.value("interval", "bootstrap");
  out.summary = value.value("summary", "");
  out.low = value.value("low", 0.0);
  out.high = value.value("high", 1.0);
  const bool good = is_one_of(out.direction, {"lower", "higher", "none"}) &&
                    is_one_of(out.kind, {"binary", "bounded", "mean", "ratio"}) &&
                    is_one_of(out.link, {"identity", "exp"}) &&
                    is_one_of(out.interval, {"wilson", "t", "bootstrap", "block_bootstrap"});
  if (!good)
    throw error(error_kind::plugin,
                "number '" + out.name + "' has a word that metric.h does not know");
  return out;
}

}  // namespace

metric_instance::metric_instance(const component &what, const json &config,
                                 const instance_options &options, const std::string &where)
    : instance(what, config, options, where) {}

const assay_metric_vtable &metric_instance::table() const {
  return *static_cast<const assay_metric_vtable *>(vtable_);
}

const metric_declaration &metric_instance::declare() {
  if (!declared_.numbers.empty()) return declared_;
  const char *text = nullptr;
  call("declare", "", [&] { return table().declare(self_, &text); });
  if (text == nullptr) blame("", "declare returned success and no text");
  try {
    const json told = parse_json(text, "declaration");
    declared_.arrays = told.value("arrays", std::vector<std::string>());
    for (const json &one : told.at("numbers")) declared_.numbers.push_back(read_number(one));
  } catch (const std::exception &reason) {
    declared_ = {};
    blame("", std::string("gave a declaration that cannot be read: ") + reason.what());
  }
  if (declared_.numbers.empty()) blame("", "declares no number");
  return declared_;
}

void metric_instance::begin(const json &info) {
  declare();
  n_samples_ = 0;
  const std::string text = json_text(info);
  call("begin", "", [&] { return table().begin(self_, text.c_str()); });
}

// Gives the plugin each sample as a struct of the plugin interface. `holders` has the arrays that the structs point to.
void metric_instance::update(const std::vector<metric_sample> &samples) {
  struct holder {
    std::vector<tensor_view> views;
    std::vector<const char *> names;
    std::vector<const assay_tensor *> arrays;
    assay_sample sample{};
  };
  std::vector<holder> holders(samples.size());
  std::vector<const assay_sample *> pointers;
  pointers.reserve(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    holder &one = holders[i];
    for (const auto &[name, values] : samples[i].arrays) {
      one.names.push_back(name.c_str());
      one.views.emplace_back(values.data(), k_f32,
                             std::vector<int64_t>{static_cast<int64_t>(values.size())});
    }
    for (const tensor_view &view : one.views) one.arrays.push_back(view.get());
    one.sample.struct_size = sizeof one.sample;
    one.sample.n_arrays = static_cast<uint32_t>(one.arrays.size());
    one.sample.index = samples[i].index;
    one.sample.record_json = samples[i].record_json.c_str();
    one.sample.record_bytes = samples[i].record_json.size();
    one.sample.array_names = one.names.data();
    one.sample.arrays = one.arrays.data();
    pointers.push_back(&one.sample);
  }
  call("update", "", [&] {
    return table().update(self_, pointers.data(), static_cast<int64_t>(pointers.size()));
  });
  n_samples_ += static_cast<int64_t>(samples.size());
}

metric_result metric_instance::finish() {
  number_context context{*services_, declared_, n_samples_, {}};
  assay_metric_sink sink{};
  sink.struct_size = sizeof sink;
  sink.ctx = &context;
  sink.number = number;
  sink.note = note;
  call("finish", "", [&] { return table().finish(self_, &sink); });
  return std::move(context.result);
}

metric_result metric_instance::evaluate(const json &info,
                                        const std::vector<metric_sample> &samples) {
  begin(info);
  update(samples);
  return finish();
}

}  // namespace assay::plug
