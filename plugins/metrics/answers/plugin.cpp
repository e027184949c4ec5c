// The metric plugin "answers": exact_match, squad_v2, multiple_choice, math and text_statistics across the ABI.
// Not the metrics: each has its own file.
#include <algorithm>
#include <exception>
#include <limits>
#include <string>

#include "assay.h"
#include "metric.hpp"

namespace answers {
namespace {

struct scored {
  int64_t index;
  metric::row row;
};

struct instance {
  const assay_host *host;
  std::unique_ptr<metric> inner;
  std::string declaration;
  std::vector<scored> samples;
};

template <typename function>
int32_t guarded(const assay_host *host, function body) {
  const auto fail = [&](int32_t status, const char *text) {
    return host->fail(host->ctx, status, text);
  };
  try {
    return body();
  } catch (const numerical_problem &problem) {
    return fail(ASSAY_NUMERICAL, problem.what());
  } catch (const argument_problem &problem) {
    return fail(ASSAY_INVALID_ARGUMENT, problem.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "not enough memory for the samples");
  } catch (const std::exception &problem) {
    return fail(ASSAY_INTERNAL, problem.what());
  }
}

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

template <std::unique_ptr<metric> (*make)(const assay_json::value &)>
int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    auto made = std::make_unique<instance>();
    made->host = host;
    made->inner = make(assay_json::parse(config_json));
    made->declaration = declaration_of(*made->inner);
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
  auto &mine = *static_cast<instance *>(self);
  mine.samples.clear();
  mine.inner->clear();
  return ASSAY_OK;
}

int32_t update(void *self, const assay_sample *const *samples, int64_t n) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&] {
    for (int64_t i = 0; i < n; ++i) {
      const auto record = assay_json::parse({samples[i]->record_json, samples[i]->record_bytes});
      mine.samples.push_back({samples[i]->index, mine.inner->score(samples[i]->index, record)});
    }
    return ASSAY_OK;
  });
}

int32_t give_number(const assay_metric_sink &sink, const instance &mine, const number &declared,
                    size_t column, size_t weight_column) {
  const bool ratio = declared.kind == "ratio";
  std::vector<double> scores;
  std::vector<double> weights;
  double top = 0.0;
  double bottom = 0.0;
  for (const scored &one : mine.samples) {
    scores.push_back(one.row.scores[column]);
    weights.push_back(ratio ? one.row.weights[weight_column] : 1.0);
    top += scores.back();
    bottom += weights.back();
  }
  if (bottom == 0.0) return ASSAY_OK;  // nobody belongs to the subset: there is no such number
  return sink.number(sink.ctx, declared.name.c_str(), top / bottom,
                     static_cast<int64_t>(scores.size()), scores.data(),
                     ratio ? weights.data() : nullptr);
}

int32_t finish(void *self, const assay_metric_sink *sink) {
  auto &mine = *static_cast<instance *>(self);
  return guarded(mine.host, [&]() -> int32_t {
    if (mine.samples.empty()) throw argument_problem("there are no samples");
    std::sort(mine.samples.begin(), mine.samples.end(),
              [](const scored &a, const scored &b) { return a.index < b.index; });
    for (size_t i = 1; i < mine.samples.size(); ++i)
      if (mine.samples[i].index == mine.samples[i - 1].index)
        throw argument_problem("sample " + std::to_string(mine.samples[i].index) + " came twice");
    size_t column = 0;
    size_t weight_column = 0;
    for (const number &one : mine.inner->declared()) {
      const int32_t status = give_number(*sink, mine, one, column, weight_column);
      if (status != ASSAY_OK) return status;
      ++column;
      weight_column += one.kind == "ratio" ? 1 : 0;
    }
    return sink->note(sink->ctx, mine.inner->note().c_str());
  });
}

template <std::unique_ptr<metric> (*make)(const assay_json::value &)>
constexpr assay_metric_vtable k_vtable = {
    sizeof(assay_metric_vtable), 0, create<make>, destroy, declare, begin, update, finish};

const char k_exact_schema[] = R"({"type": "object", "properties": {
  "normaliser": {"type": "string", "enum": ["none", "lower", "squad", "gsm8k"], "default": "none",
                 "description": "what both sides go through before they are compared"}},
  "additionalProperties": false})";
const char k_squad_schema[] = R"({"type": "object", "properties": {
  "abstentions": {"type": "array", "items": {"type": "string"}, "default": ["unanswerable"],
                  "description": "texts that count as abstaining, compared trimmed and in lower case"}},
  "additionalProperties": false})";
const char k_choice_schema[] =
    R"({"type": "object", "properties": {}, "additionalProperties": false})";
const char k_math_schema[] = R"({"type": "object", "properties": {
  "extract": {"type": "string", "default": "boxed_or_last_number",
              "enum": ["none", "gsm8k_strict", "gsm8k_flexible", "boxed", "boxed_or_last_number"],
              "description": "how the answer is found in the text"}},
  "additionalProperties": false})";

template <std::unique_ptr<metric> (*make)(const assay_json::value &)>
constexpr assay_component component(const char *id, const char *summary, const char *schema) {
  return {sizeof(assay_component),
          ASSAY_KIND_METRIC,
          id,
          1,
          0,
          summary,
          schema,
          nullptr,
          &k_vtable<make>,
          nullptr};
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

const assay_plugin k_plugin = {
    sizeof(assay_plugin),
    ASSAY_ABI_MINOR,
    "org.assay.answers",
    "1.0.0",
    "Metrics of answers: exact match, SQuAD v2, multiple choice, mathematics",
    "Apache-2.0",
    nullptr,
    nullptr,
    5,
    0,
    k_components};

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
    // JSON has no NaN: null stands for a value that is not finite
    out.push_back(item.kind == assay_json::type::number ? item.number
                                                        : std::numeric_limits<double>::quiet_NaN());
  }
  return out;
}

}  // namespace answers

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &answers::k_plugin;
}
