// The methods of a model that run the network: logits, score, generate, perplexity.
#include <ATen/ATen.h>

#include "engine/generate.hpp"
#include "engine/perplexity.hpp"
#include "engine/score.hpp"
#include "lua/progress.hpp"
#include "lua/subject.hpp"
#include "lua/tensor.hpp"
#include "lua/text.hpp"

namespace assay::lua {
namespace {

int logits(lua_State *L) {  // logits(text or ids) -> tensor [tokens, vocab] fp32
  subject &m = self(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "ids", m);
  if (ids.empty()) throw error(error_kind::usage, "logits: 'ids' is empty");
  for (const int64_t id : ids)
    if (id < 0 || id >= m.decoder.config().vocab_size)
      throw error(error_kind::usage, "logits: " + std::to_string(id) +
                                         " is not a token id of this model (0.." +
                                         std::to_string(m.decoder.config().vocab_size - 1) + ")");
  const at::Tensor row = at::tensor(ids, at::kLong).unsqueeze(0);
  push_tensor(L, m.decoder.logits(m.decoder.hidden(row)).squeeze(0).to(at::kCPU));
  return 1;
}

std::vector<int64_t> encode_ids(subject &m, const std::string &text) {
  const auto ids = m.tokenizer().encode(text);
  return {ids.begin(), ids.end()};
}

// lm-eval's rule: the context's trailing spaces belong to the continuation, and the continuation's
// tokens are those of the whole text after as many as the context alone has.
std::vector<int64_t> continuation_ids(subject &m, std::string context, std::string continuation) {
  const size_t end = context.find_last_not_of(' ');
  const size_t kept = end == std::string::npos ? 0 : end + 1;
  continuation = context.substr(kept) + continuation;
  context.resize(kept);
  const std::vector<int64_t> whole = encode_ids(m, context + continuation);
  const size_t n = std::min(encode_ids(m, context).size(), whole.size());
  return {whole.begin() + static_cast<std::ptrdiff_t>(n), whole.end()};
}

std::vector<int64_t> context_ids(subject &m, std::string context) {
  const size_t end = context.find_last_not_of(' ');
  context.resize(end == std::string::npos ? 0 : end + 1);
  std::vector<int64_t> ids = encode_ids(m, context);
  if (!ids.empty()) return ids;
  for (const char *name : {"bos_token", "eos_token"})
    if (const auto id = m.tokenizer().special_id(name)) return {*id};
  throw error(error_kind::usage,
              "score: 'context' is empty and the model has no beginning-of-text token");
}

int score(lua_State *L) {  // score(context, { continuation, ... })
  subject &m = self(L);
  const std::string context = read_string(L, 2, "context");
  const std::vector<std::string> texts = read_strings(L, 3, "continuations");
  std::vector<std::vector<int64_t>> continuations;
  for (const std::string &text : texts) continuations.push_back(continuation_ids(m, context, text));
  const auto results = engine::score(m.decoder, context_ids(m, context), continuations);
  lua_createtable(L, static_cast<int>(results.size()), 0);
  for (size_t i = 0; i < results.size(); ++i) {
    push_json(
        L, {{"sum", results[i].sum}, {"tokens", results[i].tokens}, {"greedy", results[i].greedy}});
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

// The ids that end an answer: generation_config.json first, as in the reference, then config.json.
std::vector<int64_t> eos_ids(const subject &m) {
  const json config = m.source->generation_config();
  std::vector<int64_t> ids;
  if (config.contains("eos_token_id")) {
    const json &eos = config["eos_token_id"];
    if (eos.is_number_integer()) ids.push_back(eos.get<int64_t>());
    if (eos.is_array())
      for (const json &one : eos) ids.push_back(one.get<int64_t>());
  }
  return ids.empty() ? m.decoder.config().eos_ids : ids;
}

int generate(lua_State *L) {
  subject &m = self(L);
  const std::vector<int64_t> prompt = read_tokens(L, 2, "prompt", m);
  const option_table given(L, 3,
                           {"max_tokens", "temperature", "top_k", "top_p", "repetition_penalty",
                            "presence_penalty", "seed", "stop", "ignore_eos", "logprobs"});
  engine::generate_options options;
  options.max_tokens = given.integer("max_tokens").value_or(options.max_tokens);
  options.temperature = given.number("temperature").value_or(0);
  options.top_k = given.integer("top_k").value_or(0);
  options.top_p = given.number("top_p").value_or(1);
  options.repetition_penalty = given.number("repetition_penalty").value_or(1);
  options.presence_penalty = given.number("presence_penalty").value_or(0);
  options.seed = static_cast<uint64_t>(given.integer("seed").value_or(0));
  options.ignore_eos = given.flag("ignore_eos", false);
  options.logprobs = given.flag("logprobs", false);
  options.eos_ids = eos_ids(m);
  options.progress = script_progress();
  if (given.push("stop")) options.stop = read_strings(L, -1, "stop");
  const bool from_ids = lua_type(L, 2) == LUA_TTABLE;
  const bool needs_text = !from_ids || !options.stop.empty();
  const auto to_text = [&m](const std::vector<int64_t> &ids) {
    return m.tokenizer().decode(narrow_ids(ids));
  };
  if (needs_text) {
    options.decode = to_text;
    options.n_sampled = m.tokenizer().vocab_size();
  }
  const engine::generation answer = engine::generate(m.decoder, prompt, options);
  lua_createtable(L, 0, 4);
  if (needs_text) {
    push_string(L, answer.text);
    lua_setfield(L, -2, "text");
  }
  push_ids(L, answer.ids);
  lua_setfield(L, -2, "ids");
  push_string(L, answer.finish);
  lua_setfield(L, -2, "finish");
  if (options.logprobs) {
    push_json(L, json(answer.logprobs));
    lua_setfield(L, -2, "logprobs");
  }
  return 1;
}

int perplexity(lua_State *L) {
  subject &m = self(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "text", m);
  const option_table given(L, 3, {"window", "limit", "token_nll"});
  engine::perplexity_options options;
  options.window = given.integer("window").value_or(options.window);
  options.limit = given.integer("limit").value_or(0);
  options.token_nll = given.flag("token_nll", false);
  options.progress = script_progress();
  const engine::perplexity_result result = engine::perplexity(m.decoder, ids, options);
  json out = {{"ppl", result.ppl}, {"tokens", result.tokens}, {"windows", result.windows}};
  if (options.token_nll) out["token_nll"] = result.token_nll;
  push_json(L, out);
  return 1;
}

}  // namespace

const luaL_Reg k_running_methods[] = {{"logits", guarded<logits>},
                                      {"score", guarded<score>},
                                      {"generate", guarded<generate>},
                                      {"perplexity", guarded<perplexity>},
                                      {nullptr, nullptr}};

}  // namespace assay::lua
