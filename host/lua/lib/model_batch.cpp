// The methods of a model that take many requests at once: score_many, generate_many. A beginning that
// requests share is computed once (engine/score.hpp, engine/generate.hpp).
#include "engine/generate.hpp"
#include "engine/score.hpp"
#include "lua/model_text.hpp"
#include "lua/progress.hpp"
#include "lua/subject.hpp"

namespace assay::lua {
namespace {

// Calls `read(i)` with each element of the list at `index` on top of the stack.
template <class F>
void for_each(lua_State *L, int index, const char *name, F &&read) {
  if (lua_type(L, index) != LUA_TTABLE)
    throw error(error_kind::usage, std::string("'") + name + "' must be a list");
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    read(i);
    lua_pop(L, 1);
  }
}

// Reads request number i: a table { context = text, continuations = { text, ... } }.
engine::score_request read_request(lua_State *L, int index, subject &m, lua_Integer i) {
  const std::string name = "requests[" + std::to_string(i) + "]";
  if (lua_type(L, index) != LUA_TTABLE)
    throw error(error_kind::usage, "'" + name + "' must be a table { context, continuations }");
  engine::score_request out;
  lua_getfield(L, index, "context");
  const std::string context = read_string(L, lua_gettop(L), (name + ".context").c_str());
  lua_getfield(L, index, "continuations");
  for (const std::string &text : read_strings(L, lua_gettop(L), (name + ".continuations").c_str()))
    out.continuations.push_back(continuation_ids(m, context, text));
  lua_pop(L, 2);
  out.context = context_ids(m, context);
  return out;
}

// score_many({ { context = text, continuations = { text, ... } }, ... }, { batch_tokens }?) -> one list
// of scores for each request, and the costs in tokens and seconds (engine::score_usage). batch_tokens:
// most tokens of one forward pass.
int score_many(lua_State *L) {
  subject &m = self(L);
  std::vector<engine::score_request> requests;
  for_each(L, 2, "requests",
           [&](lua_Integer i) { requests.push_back(read_request(L, lua_gettop(L), m, i)); });
  const option_table given(L, 3, {"batch_tokens"});
  engine::score_options options;
  options.batch_tokens = given.integer("batch_tokens").value_or(0);
  options.progress = script_progress();
  engine::score_usage usage;
  const auto results = engine::score_many(m.decoder, requests, options, &usage);
  lua_createtable(L, static_cast<int>(results.size()), 0);
  for (size_t i = 0; i < results.size(); ++i) {
    push_scores(L, results[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  push_json(L, {{"needed", usage.needed},
                {"computed", usage.computed},
                {"alone", usage.alone},
                {"head_rows", usage.head_rows},
                {"halvings", usage.halvings},
                {"seconds", usage.seconds}});
  return 2;
}

// generate_many({ prompt, ... }, options?) -> answers in order, and the costs (engine::generate_usage).
// A prompt is a text or a list of ids. Options are those of generate; seeds: one for each prompt;
// max_live, batch_tokens: limits on what runs at once (engine/generate.hpp).
int generate_many(lua_State *L) {
  subject &m = self(L);
  std::vector<std::vector<int64_t>> prompts;
  bool all_ids = true;
  for_each(L, 2, "prompts", [&](lua_Integer i) {
    const std::string name = "prompts[" + std::to_string(i) + "]";
    prompts.push_back(read_tokens(L, lua_gettop(L), name.c_str(), m));
    all_ids = all_ids && lua_type(L, -1) == LUA_TTABLE;
  });
  const std::vector<std::string> own = {"seeds", "max_live", "batch_tokens"};
  engine::generate_options options = read_generation(L, 3, m, !all_ids, own);
  if (lua_type(L, 3) == LUA_TTABLE) {
    lua_getfield(L, 3, "seeds");
    if (!lua_isnil(L, -1))
      for_each(L, lua_gettop(L), "seeds", [&](lua_Integer i) {
        const std::string name = "seeds[" + std::to_string(i) + "]";
        options.seeds.push_back(
            static_cast<uint64_t>(read_integer(L, lua_gettop(L), name.c_str())));
      });
    lua_pop(L, 1);
    for (const auto &[key, target] : {std::pair{"max_live", &options.max_live},
                                      std::pair{"batch_tokens", &options.batch_tokens}}) {
      lua_getfield(L, 3, key);
      if (!lua_isnil(L, -1)) *target = read_integer(L, lua_gettop(L), key);
      lua_pop(L, 1);
    }
  }
  engine::generate_usage usage;
  const auto answers = engine::generate_batch(m.decoder, prompts, options, &usage);
  lua_createtable(L, static_cast<int>(answers.size()), 0);
  for (size_t i = 0; i < answers.size(); ++i) {
    push_generation(L, answers[i], options);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  push_json(L, {{"prompt_tokens", usage.prompt_tokens},
                {"computed", usage.computed},
                {"answer_tokens", usage.answer_tokens},
                {"steps", usage.steps},
                {"halvings", usage.halvings},
                {"seconds", usage.seconds}});
  return 2;
}

}  // namespace

const luaL_Reg k_batch_methods[] = {{"score_many", guarded<score_many>},
                                    {"generate_many", guarded<generate_many>},
                                    {nullptr, nullptr}};

}  // namespace assay::lua
