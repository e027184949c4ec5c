// Reads the fields of a completion. Names and defaults are those of OpenAI's API; ignore_eos, min_tokens, top_k, repetition_penalty and
// continuous_usage_stats are those of vLLM's server (its documentation, "OpenAI-Compatible Server").
#include "serve/completion_request.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "serve/api_error.hpp"
#include "serve/body_json.hpp"
#include "serve/limits.hpp"

namespace assay::serve {
namespace {

constexpr int64_t k_many = int64_t{1} << 40;  // larger than any length

// A number that no two requests share, for those that name no seed.
uint64_t fresh_seed() {
  thread_local std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

std::vector<std::string> read_stops(field_reader &fields) {
  const json *value = fields.find("stop");
  std::vector<std::string> out;
  if (!value) return out;
  const json list = value->is_string() ? json::array({*value}) : *value;
  if (!list.is_array()) throw bad_field("stop", "must be a string or a list of strings");
  if (list.size() > k_stops)
    throw bad_field("stop", "has " + std::to_string(list.size()) + " strings, more than " +
                                std::to_string(k_stops));
  for (const json &one : list) {
    if (!one.is_string() || one.get_ref<const std::string &>().empty())
      throw bad_field("stop", "must have strings that are not empty");
    out.push_back(one.get<std::string>());
    if (out.back().size() > k_stop_bytes)
      throw bad_field("stop",
                      "has a string of more than " + std::to_string(k_stop_bytes) + " bytes");
  }
  return out;
}

void read_sampling(field_reader &fields, completion_request &out) {
  engine::generate_options &o = out.options;
  o.temperature = fields.number("temperature", 0, 100).value_or(1);
  o.top_p = fields.number("top_p", 0, 1).value_or(1);
  if (o.top_p == 0) throw bad_field("top_p", "must be larger than 0");
  const int64_t top_k = fields.integer("top_k", -1, k_many).value_or(0);  // -1 is off in vLLM
  o.top_k = std::max<int64_t>(top_k, 0);
  o.presence_penalty = fields.number("presence_penalty", -2, 2).value_or(0);
  o.repetition_penalty = fields.number("repetition_penalty", 0.01, 100).value_or(1);
  const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX);
  o.seed = seed ? static_cast<uint64_t>(*seed) : fresh_seed();
  o.ignore_eos = fields.flag("ignore_eos").value_or(false);
  o.min_tokens = fields.integer("min_tokens", 0, k_many).value_or(0);
  o.n_sampled = out.model->tokenizer->vocab_size();
  out.stop = read_stops(fields);
  out.n = fields.integer("n", 1, k_choices).value_or(1);
  fields.only("best_of", {1, out.n}, "all answers are returned");
  fields.only("frequency_penalty", {0, 0.0}, "use presence_penalty or repetition_penalty");
  fields.only("min_p", {0, 0.0}, "use top_p or top_k");
  fields.only("logit_bias", {json::object(), json::array()}, "logits cannot be changed");
  fields.only("response_format", {json::object({{"type", "text"}})}, "answers are plain text");
}

void read_stream(field_reader &fields, completion_request &out) {
  out.stream = fields.flag("stream").value_or(false);
  out.timings = fields.flag("assay_timings").value_or(false);
  const json *options = fields.find("stream_options");
  if (!options) return;
  if (!options->is_object()) throw bad_field("stream_options", "must be an object");
  if (!out.stream) throw bad_field("stream_options", "is only allowed with \"stream\": true");
  field_reader inner(*options, "stream_options.");
  out.include_usage = inner.flag("include_usage").value_or(false);
  out.continuous_usage = inner.flag("continuous_usage_stats").value_or(false);
  inner.accept(
      "include_obfuscation");  // pads chunks so that their lengths say nothing; lengths are no secret here
  for (const std::string &name : inner.unknown()) out.ignored.push_back(name);
}

void read_chat(field_reader &fields, completion_request &out) {
  const bool wanted = fields.flag("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, k_top_logprobs);
  if (top && !wanted) throw bad_field("top_logprobs", "is only allowed with \"logprobs\": true");
  if (wanted) out.top = top.value_or(0);
  fields.only("tools", {json::array()}, "this server calls no tools");
  fields.only("functions", {json::array()}, "this server calls no functions");
  fields.only("tool_choice", {"none", "auto"}, "this server calls no tools");
  fields.only("function_call", {"none", "auto"}, "this server calls no functions");
  fields.only("modalities", {json::array({"text"})}, "answers are plain text");
  fields.only("audio", {}, "answers are plain text");
}

void read_plain(field_reader &fields, completion_request &out) {
  out.top = fields.integer("logprobs", 0, k_top_logprobs).value_or(-1);
  out.echo = fields.flag("echo").value_or(false);
  fields.only("suffix", {""}, "text is only continued at its end");
}

}  // namespace

const served_model &find_model(const std::vector<served_model> &models,
                               const std::optional<std::string> &name) {
  if (!name) return models.front();
  for (const served_model &one : models)
    if (one.name == *name) return one;
  std::string known;
  for (const served_model &one : models) known += (known.empty() ? "'" : ", '") + one.name + "'";
  throw api_error(404, "not_found_error",
                  "there is no model '" + name->substr(0, 200) + "' here; there is " + known,
                  "model", "model_not_found");
}

completion_request read_completion(field_reader &fields, bool chat,
                                   const std::vector<served_model> &models, asked_length &length) {
  completion_request out;
  out.chat = chat;
  out.model = &find_model(models, fields.text("model"));
  const auto old_name = fields.integer("max_tokens", 0, k_many);
  const auto new_name = fields.integer("max_completion_tokens", 0, k_many);
  length.max_tokens = new_name ? new_name : old_name;
  read_sampling(fields, out);
  read_stream(fields, out);
  (chat ? read_chat : read_plain)(fields, out);
  if (length.max_tokens == 0 && !out.echo)
    throw bad_field(new_name ? "max_completion_tokens" : "max_tokens", "must be at least 1");
  out.options.top_logprobs = std::max<int64_t>(out.top, 0);
  fields.accept("user");
  return out;
}

}  // namespace assay::serve
