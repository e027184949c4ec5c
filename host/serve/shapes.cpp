// Fields as in OpenAI's openapi.yaml: CreateChatCompletionResponse, CreateChatCompletionStreamResponse, CreateCompletionResponse.
#include "serve/shapes.hpp"

#include <cmath>
#include <ctime>
#include <random>

namespace assay::serve {
namespace {

// JSON has no infinity; OpenAI's API writes this number for a token that is practically impossible.
constexpr double k_impossible = -9999.0;

double shown(float logprob) {
  return std::isfinite(logprob) ? static_cast<double>(logprob) : k_impossible;
}

std::string token_text(const served_model &model, int64_t id) {
  const auto narrow = static_cast<int32_t>(id);
  return model.tokenizer->decode({&narrow, 1}, false);
}

int64_t characters(const std::string &utf8) {
  int64_t n = 0;
  for (const char c : utf8) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

// The bytes of a token's text; null if the token is a part of a character, which no text can show.
json bytes_of(const std::string &text) {
  if (text.find("\xEF\xBF\xBD") != std::string::npos) return nullptr;
  json out = json::array();
  for (const char c : text) out.push_back(static_cast<unsigned char>(c));
  return out;
}

json chat_token(const std::string &text, float logprob) {
  return {{"token", text}, {"logprob", shown(logprob)}, {"bytes", bytes_of(text)}};
}

}  // namespace

answer_head new_answer_head(const served_model &model, bool chat) {
  thread_local std::mt19937_64 random(std::random_device{}());
  char id[40];
  std::snprintf(id, sizeof id, "%s-%016llx", chat ? "chatcmpl" : "cmpl",
                static_cast<unsigned long long>(random()));
  return {chat, id, static_cast<int64_t>(std::time(nullptr)), &model};
}

json usage_json(const token_usage &usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.completion},
          {"total_tokens", usage.prompt + usage.completion},
          {"prompt_tokens_details", {{"cached_tokens", 0}}}};
}

logprob_list::logprob_list(const served_model &model, bool chat, int64_t &offset)
    : model_(model), chat_(chat), offset_(offset) {}

std::string logprob_list::begin(int64_t id) {
  std::string text = token_text(model_, id);
  tokens_.push_back(text);
  offsets_.push_back(offset_);
  offset_ += characters(text);
  return text;
}

void logprob_list::add_first(int64_t id) {
  begin(id);
  values_.push_back(nullptr);
  tops_.push_back(nullptr);
}

void logprob_list::add(const engine::token_reading &token) {
  if (chat_) {
    json one = chat_token(token_text(model_, token.id), token.logprob);
    json likeliest = json::array();
    for (const auto &[id, logprob] : token.top)
      likeliest.push_back(chat_token(token_text(model_, id), logprob));
    one["top_logprobs"] = std::move(likeliest);
    content_.push_back(std::move(one));
    return;
  }
  const std::string own = begin(token.id);
  values_.push_back(shown(token.logprob));
  json tops = json::object();
  // Two ids may have the same text: the likelier one stays.
  const auto note = [&](const std::string &text, double logprob) {
    const auto at = tops.find(text);
    if (at == tops.end() || at->get<double>() < logprob) tops[text] = logprob;
  };
  for (const auto &[id, logprob] : token.top) note(token_text(model_, id), shown(logprob));
  note(own, shown(token.logprob));
  tops_.push_back(std::move(tops));
}

json logprob_list::take() {
  if (chat_) return {{"content", std::move(content_)}, {"refusal", nullptr}};
  return {{"tokens", std::move(tokens_)},
          {"token_logprobs", std::move(values_)},
          {"top_logprobs", std::move(tops_)},
          {"text_offset", std::move(offsets_)}};
}

json chunk_choice(const answer_head &head, int64_t index, const std::string &text, bool first,
                  const std::string &finish, json logprobs) {
  json out = {{"index", index}};
  if (head.chat) {
    json delta = json::object();
    if (first) delta["role"] = "assistant";
    delta["content"] = text;
    out["delta"] = std::move(delta);
  } else {
    out["text"] = text;
  }
  out["logprobs"] = std::move(logprobs);
  out["finish_reason"] = finish.empty() ? json() : json(finish);
  return out;
}

json whole_choice(const answer_head &head, int64_t index, const std::string &text,
                  const std::string &finish, json logprobs) {
  json out = {{"index", index}};
  if (head.chat)
    out["message"] = {{"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
  else
    out["text"] = text;
  out["logprobs"] = std::move(logprobs);
  out["finish_reason"] = finish;
  return out;
}

json answer_json(const answer_head &head, bool is_chunk, json choices) {
  return {{"id", head.id},
          {"object", !head.chat ? "text_completion"
                     : is_chunk ? "chat.completion.chunk"
                                : "chat.completion"},
          {"created", head.created},
          {"model", head.model->name},
          {"system_fingerprint", head.model->fingerprint},
          {"choices", std::move(choices)}};
}

}  // namespace assay::serve
