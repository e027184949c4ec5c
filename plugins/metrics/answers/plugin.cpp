// The C ABI of the metric plugin "answers", with the metrics exact_match, squad_v2, multiple_choice, math and text_statistics.
// Each metric has a file of its own.
#include <assay_records.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include "metric.hpp"

namespace answers {
namespace {

// What a metric gives, as the JSON that the host asks for (assay/metric.h).
std::string declaration_of(const metric &inner) {
  std::string out = "{\"arrays\":[],\"numbers\":[";
  bool first = true;
  for (const number &one : inner.declared()) {
    out += first ? "" : ",";
    first = false;
    out += "{\"name\":\"" + one.name + "\",\"unit\":\"" + one.unit + "\",\"direction\":\"" +
           one.direction + "\",\"kind\":\"" + one.kind +
           "\",\"link\":\"identity\",\"interval\":\"" + one.interval + "\"" +
           (one.kind == "bounded" ? ",\"low\":0,\"high\":1" : "") +
           ",\"summary\":" + assay_json::quoted(one.summary) + "}";
  }
  return out + "]}";
}

using make_fn = std::unique_ptr<metric> (*)(const assay_json::value &config);

// The class that assay_cpp::metric_table needs, made from a metric. It keeps the scores of all samples and passes
// them to the host in the order of the samples.
template <make_fn make>
class face {
 public:
  face(assay_cpp::host, const char *config_json)
      : inner_(make(assay_json::parse(config_json))), declaration_(declaration_of(*inner_)) {}

  const char *declare() const { return declaration_.c_str(); }

  void begin(const char *) {
    samples_.clear();
    inner_->clear();
  }

  void add(const assay_sample &sample) {
    const auto record = assay_json::parse({sample.record_json, sample.record_bytes});
    samples_.push_back({sample.index, inner_->score(sample.index, record)});
  }

  void finish(const assay_metric_sink &sink) {
    if (samples_.empty()) throw argument_problem("there are no samples");
    std::sort(samples_.begin(), samples_.end(),
              [](const scored &a, const scored &b) { return a.index < b.index; });
    for (size_t i = 1; i < samples_.size(); ++i)
      if (samples_[i].index == samples_[i - 1].index)
        throw argument_problem("sample " + std::to_string(samples_[i].index) + " came twice");
    size_t column = 0;
    size_t weight_column = 0;
    for (const number &one : inner_->declared()) {
      const bool ratio = one.kind == "ratio";
      give(sink, one.name, column++, ratio ? &weight_column : nullptr);
      weight_column += ratio ? 1 : 0;
    }
    assay_cpp::pass_on(sink.note(sink.ctx, inner_->note().c_str()));
  }

 private:
  struct scored {
    int64_t index;
    metric::row row;
  };

  // Gives one number to the host. `weight_column` is the place of its weights in row::weights, or null if all samples
  // have the same weight.
  void give(const assay_metric_sink &sink, const std::string &name, size_t column,
            const size_t *weight_column) const {
    std::vector<double> scores;
    std::vector<double> weights;
    double top = 0.0;
    double bottom = 0.0;
    for (const scored &one : samples_) {
      scores.push_back(one.row.scores[column]);
      weights.push_back(weight_column ? one.row.weights[*weight_column] : 1.0);
      top += scores.back();
      bottom += weights.back();
    }
    if (bottom == 0.0) return;  // all weights are 0, so the number has no value
    assay_cpp::pass_on(sink.number(sink.ctx, name.c_str(), top / bottom,
                                   static_cast<int64_t>(scores.size()), scores.data(),
                                   weight_column ? weights.data() : nullptr));
  }

  std::unique_ptr<metric> inner_;
  std::string declaration_;
  std::vector<scored> samples_;
};

template <make_fn make>
const assay_metric_vtable k_vtable = assay_cpp::metric_table<face<make>>();

const char k_exact_schema[] = R"({"type": "object", "properties": {
  "normaliser": {"type": "string", "enum": ["none", "lower", "squad", "gsm8k"], "default": "none",
                 "description": "how the prediction and the gold texts are normalised before they are compared"},
  "extract": {"type": "string", "enum": ["none", "gsm8k_strict", "gsm8k_flexible"], "default": "none",
              "description": "how the answer is found in the prediction; a prediction without an answer counts as [invalid]"}},
  "additionalProperties": false})";
const char k_squad_schema[] = R"({"type": "object", "properties": {
  "abstentions": {"type": "array", "items": {"type": "string"}, "default": ["unanswerable"],
                  "description": "answers that count as abstaining; case and outer white space do not matter"}},
  "additionalProperties": false})";
const char k_choice_schema[] =
    R"({"type": "object", "properties": {}, "additionalProperties": false})";
const char k_math_schema[] = R"({"type": "object", "properties": {
  "extract": {"type": "string", "default": "boxed_or_last_number",
              "enum": ["none", "last_number", "gsm8k_strict", "gsm8k_flexible", "boxed", "boxed_or_last_number"],
              "description": "how the answer is found in the text"}},
  "additionalProperties": false})";

template <make_fn make>
assay_component component(const char *id, const char *summary, const char *schema) {
  return assay_cpp::component(id, summary, schema, k_vtable<make>);
}

const assay_component k_exact =
    component<make_exact_match>("exact_match", "Exact match and token F1", k_exact_schema);
const assay_component k_squad = component<make_squad>(
    "squad_v2", "SQuAD v2 with declared abstention, and the official numbers", k_squad_schema);
const assay_component k_choice = component<make_choice>(
    "multiple_choice", "Accuracy, margins and calibration over choices", k_choice_schema);
const assay_component k_math =
    component<make_math>("math", "Mathematical answers by meaning", k_math_schema);
const assay_component k_text = component<make_text_statistics>(
    "text_statistics", "Length and repetition of generated text", k_choice_schema);
const assay_component *const k_components[] = {&k_exact, &k_squad, &k_choice, &k_math, &k_text};

const auto k_plugin =
    assay_cpp::plugin("org.assay.answers", "1.1.0",
                      "Metrics of answers: exact match, SQuAD v2, multiple choice, mathematics",
                      "Apache-2.0", k_components);

}  // namespace

const std::string &text_of(const assay_json::value &record, int64_t index, const char *key) {
  const assay_json::value *found = record.find(key);
  if (found == nullptr || found->kind != assay_json::type::string)
    throw argument_problem("sample " + std::to_string(index) + " has no text '" + key + "'");
  return found->text;
}

std::vector<std::string> texts_of(const assay_json::value &record, int64_t index, const char *key) {
  const assay_json::value *found = record.find(key);
  std::vector<std::string> out;
  if (found != nullptr && found->kind == assay_json::type::array) {
    for (const auto &item : found->items) {
      if (item.kind != assay_json::type::string) break;
      out.push_back(item.text);
    }
    if (out.size() == found->items.size()) return out;
  }
  throw argument_problem("sample " + std::to_string(index) + " has no list of texts '" + key + "'");
}

std::vector<double> numbers_of(const assay_json::value &record, int64_t index, const char *key) {
  const assay_json::value *found = record.find(key);
  if (found == nullptr || found->kind != assay_json::type::array)
    throw argument_problem("sample " + std::to_string(index) + " has no list of numbers '" + key +
                           "'");
  std::vector<double> out;
  for (const auto &item : found->items) {
    // JSON has no NaN, so null means a value that is not finite.
    out.push_back(item.kind == assay_json::type::number ? item.number
                                                        : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

}  // namespace answers

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &answers::k_plugin;
}
