// The methods of a model that run the network on one text: logits, score, generate, perplexity.
// lib/model_batch.cpp has those for many requests at once.

#include "aten.hpp"
#include "engine/generate.hpp"
#include "engine/perplexity.hpp"
#include "engine/score.hpp"
#include "lua/model_text.hpp"
#include "lua/progress.hpp"
#include "lua/subject.hpp"
#include "lua/tensor.hpp"
#include "lua/text.hpp"
#include "model/token_ids.hpp"

namespace assay::lua {
namespace {

int logits(lua_State *L) {  // m:logits(text or ids) -> fp32 tensor [tokens, vocabulary], on the CPU
  subject &m = self(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "ids", m);
  if (ids.empty()) throw error(error_kind::usage, "logits: 'ids' is empty");
  const int64_t vocab_size = m.decoder.config().vocab_size;
  if (const auto *id = model::foreign_id(ids.data(), static_cast<int64_t>(ids.size()), vocab_size))
    throw error(error_kind::usage, "logits: " + std::to_string(*id) +
                                       " is not a token id of this model (0.." +
                                       std::to_string(vocab_size - 1) + ")");
  const at::Tensor row = at::tensor(ids, at::kLong).unsqueeze(0);
  push_tensor(L, m.decoder.logits(m.decoder.hidden(row)).squeeze(0).to(at::kCPU));
  return 1;
}

// m:score(context, { continuation, ... }) -> { { sum, tokens, greedy, too_long? }, ... }, where sum is the
// log-likelihood of the continuation in nats (engine/score.hpp)
int score(lua_State *L) {
  subject &m = self(L);
  const std::string context = read_string(L, 2, "context");
  const std::vector<std::string> texts = read_strings(L, 3, "continuations");
  std::vector<std::vector<int64_t>> continuations;
  continuations.reserve(texts.size());
  for (const std::string &text : texts) continuations.push_back(continuation_ids(m, context, text));
  push_scores(L, engine::score(m.decoder, context_ids(m, context), continuations));
  return 1;
}

// m:generate(prompt text or ids, options?) -> { ids, finish, text?, logprobs?, margins? }; options and
// results: engine/generate.hpp
int generate(lua_State *L) {
  subject &m = self(L);
  const std::vector<int64_t> prompt = read_tokens(L, 2, "prompt", m);
  const bool from_ids = lua_type(L, 2) == LUA_TTABLE;
  const engine::generate_options options = read_generation(L, 3, m, !from_ids, {});
  push_generation(L, engine::generate(m.decoder, prompt, options), options);
  return 1;
}

// m:perplexity(text or ids, { window, limit, token_nll }?) -> { ppl, tokens, windows, token_nll? }; window:
// in tokens; limit: most windows; windows: mean loss of each window in nats (engine/perplexity.hpp)
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
