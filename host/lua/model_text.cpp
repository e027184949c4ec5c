// Encodes contexts and continuations, reads the options of generation, and pushes the results
// as Lua tables.
#include "lua/model_text.hpp"

#include <algorithm>

#include "lua/progress.hpp"
#include "lua/text.hpp"

namespace assay::lua {
namespace {

std::vector<int64_t> encode_ids(subject &m, const std::string &text) {
  const auto ids = m.tokenizer().encode_start(text);
  return {ids.begin(), ids.end()};
}

// Returns the length of the context without its trailing white space.
size_t stripped(const std::string &context) {
  return context.find_last_not_of(" \t\n\r\v\f") + 1;  // npos + 1 = 0
}

}  // namespace

std::vector<int64_t> continuation_ids(subject &m, std::string context, std::string continuation) {
  const size_t kept = stripped(context);
  continuation = context.substr(kept) + continuation;
  context.resize(kept);
  const std::vector<int64_t> whole = encode_ids(m, context + continuation);
  const size_t n = std::min(encode_ids(m, context).size(), whole.size());
  return {whole.begin() + static_cast<std::ptrdiff_t>(n), whole.end()};
}

std::vector<int64_t> context_ids(subject &m, std::string context) {
  context.resize(stripped(context));
  std::vector<int64_t> ids = encode_ids(m, context);
  if (!ids.empty()) return ids;
  for (const char *name : {"bos_token", "eos_token"})
    if (const auto id = m.tokenizer().special_id(name)) return {*id};
  throw error(error_kind::usage,
              "score: 'context' is empty and the model has no beginning-of-text token");
}

engine::generate_options read_generation(lua_State *L, int index, subject &m, bool needs_text,
                                         const std::vector<std::string> &more) {
  std::vector<std::string> known = {"max_tokens",         "temperature",      "top_k", "top_p",
                                    "repetition_penalty", "presence_penalty", "seed",  "stop",
                                    "ignore_eos",         "logprobs"};
  known.insert(known.end(), more.begin(), more.end());
  const option_table given(L, index, known);
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
  options.progress = script_progress();
  if (given.push("stop")) {
    options.stop = read_strings(L, -1, "stop");
    lua_pop(L, 1);
  }
  if (needs_text || !options.stop.empty()) {
    options.decode = [&m](const std::vector<int64_t> &ids) {
      return m.tokenizer().decode(narrow_ids(ids));
    };
    options.n_sampled = m.tokenizer().vocab_size();
  }
  return options;
}

void push_generation(lua_State *L, const engine::generation &answer,
                     const engine::generate_options &options) {
  lua_createtable(L, 0, 5);
  if (options.decode) {
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
    push_json(L, json(answer.margins));
    lua_setfield(L, -2, "margins");
  }
}

void push_scores(lua_State *L, const std::vector<engine::score_result> &results) {
  lua_createtable(L, static_cast<int>(results.size()), 0);
  for (size_t i = 0; i < results.size(); ++i) {
    lua_createtable(L, 0, 4);
    lua_pushnumber(L, results[i].sum);
    lua_setfield(L, -2, "sum");
    lua_pushinteger(L, results[i].tokens);
    lua_setfield(L, -2, "tokens");
    lua_pushboolean(L, results[i].greedy);
    lua_setfield(L, -2, "greedy");
    if (results[i].too_long) {
      lua_pushboolean(L, 1);
      lua_setfield(L, -2, "too_long");
    }
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

}  // namespace assay::lua
