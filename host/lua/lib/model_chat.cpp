// The method m:conversation() and the class of its objects, which keep keys and values between turns (engine/conversation.hpp).
#include "engine/conversation.hpp"
#include "lua/state.hpp"
#include "lua/subject.hpp"

namespace assay::lua {
namespace {

struct talk {
  explicit talk(subject_handle model) : of(std::move(model)), engine(of->decoder) {}
  subject_handle of;  // lives as long as the conversation
  engine::conversation engine;
};
using talk_handle = std::unique_ptr<talk>;

}  // namespace

template <>
struct class_of<talk_handle> {
  static constexpr const char *name = "conversation";
};

namespace {

talk &talk_of(lua_State *L) {
  return *check_object<talk_handle>(L, 1, "self");
}

// c:read(text or ids, { temperature, top_k, top_p, seed }?) -> number of tokens that had to be computed
int read(lua_State *L) {
  talk &t = talk_of(L);
  const std::vector<int64_t> ids = read_tokens(L, 2, "text", *t.of);
  const option_table given(L, 3, {"temperature", "top_k", "top_p", "seed"});
  engine::sampler_options options;
  options.temperature = given.number("temperature").value_or(0);
  options.top_k = given.integer("top_k").value_or(0);
  options.top_p = given.number("top_p").value_or(1);
  options.n_sampled = t.of->tokenizer().vocab_size();
  if (!(options.temperature >= 0)) throw error(error_kind::usage, "temperature is negative");
  if (!(options.top_p > 0) || options.top_p > 1)
    throw error(error_kind::usage, "top_p must lie in (0, 1]");
  if (options.top_k < 0) throw error(error_kind::usage, "top_k is negative");
  const auto seed = static_cast<uint64_t>(given.integer("seed").value_or(0));
  lua_pushinteger(L, t.engine.read(ids, options, seed));
  return 1;
}

// c:next() -> the next token id; nil and "stop" or "length" at the end of the answer
int next(lua_State *L) {
  talk &t = talk_of(L);
  if (const auto id = t.engine.next()) {
    lua_pushinteger(L, *id);
    return 1;
  }
  lua_pushnil(L);
  push_string(L, t.engine.is_full() ? "length" : "stop");
  return 2;
}

int tokens(lua_State *L) {  // c:tokens() -> number of tokens whose keys and values are held
  lua_pushinteger(L, talk_of(L).engine.tokens());
  return 1;
}

constexpr luaL_Reg k_methods[] = {{"read", guarded<read>},
                                  {"next", guarded<next>},
                                  {"tokens", guarded<tokens>},
                                  {nullptr, nullptr}};

int conversation(lua_State *L) {  // m:conversation() -> an empty conversation
  self(L);                        // refuses other objects
  push_object<talk_handle>(L, std::make_unique<talk>(*test_object<subject_handle>(L, 1)));
  return 1;
}

}  // namespace

void register_conversation(lua_State *L) {
  register_class<talk_handle>(L, k_methods, nullptr);
}

const luaL_Reg k_chat_methods[] = {{"conversation", guarded<conversation>}, {nullptr, nullptr}};

}  // namespace assay::lua
