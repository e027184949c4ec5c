// Lua functions that look for signs of broken text: loops, text that compresses too well, letters of
// other alphabets, similarity of two texts. They belong to assay.native.stats. They only measure; the
// detectors in scripts/assay/detectors judge.
#include "lua/lib/signals.hpp"

#include <string>
#include <vector>

#include "lua/lx.hpp"
#include "lua/text.hpp"
#include "signals/repetition.hpp"
#include "signals/text_signals.hpp"

namespace assay::lua {
namespace {

void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

std::vector<int32_t> read_tokens(lua_State *L, int index, const char *name) {
  return narrow_ids(read_ids(L, index, name));
}

void set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

void set_token_signals(lua_State *L, const std::vector<int32_t> &ids) {
  const auto loop = signals::find_suffix_period(ids);
  const auto shares = signals::count_tokens(ids);
  set_integer(L, "period", loop.period);
  set_integer(L, "repeats", loop.repeats);
  set_integer(L, "tokens", static_cast<int64_t>(ids.size()));
  set_number(L, "top_share", shares.top);
  set_integer(L, "top_token", shares.top_token);
  set_number(L, "distinct", shares.distinct);
  set_number(L, "ngram_repetition", signals::ngram_repetition(ids, 4));
}

// text_signals(text, { ids, prompt }?) -> a table. ids: the text's tokens; without them, the keys about
// tokens are missing. echo_bytes, the length of the longest piece copied from the prompt, needs `prompt`.
// gopher: names of the rules for good web text (by the Gopher paper) that this text breaks. letters:
// the number of letters of each alphabet. The headers in signals/ explain all keys.
int text_signals(lua_State *L) {
  const std::string text = read_string(L, 1, "text");
  const option_table given(L, 2, {"ids", "prompt"});
  std::vector<int32_t> ids;
  if (given.push("ids")) {
    ids = read_tokens(L, lua_gettop(L), "ids");
    lua_pop(L, 1);
  }
  const std::string prompt = given.text("prompt").value_or("");
  const auto compression = signals::compression_ratios(text);
  lua_createtable(L, 0, 16);
  if (given.has("ids")) set_token_signals(L, ids);
  set_number(L, "compression", compression.whole);
  set_number(L, "compression_window", compression.largest_window);
  set_integer(L, "segment_repeats", signals::most_repeated_segment(text));
  set_integer(L, "lost_characters", signals::count_replacement_characters(text));
  if (!prompt.empty())
    set_integer(L, "echo_bytes", signals::longest_common_substring(text, prompt));
  const auto broken = signals::gopher_violations(text);
  lua_createtable(L, static_cast<int>(broken.size()), 0);
  for (size_t i = 0; i < broken.size(); ++i) {
    lua_pushstring(L, broken[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_setfield(L, -2, "gopher");
  lua_newtable(L);
  for (const auto &[script, letters] : signals::letters_by_script(text))
    set_integer(L, script.c_str(), letters);
  lua_setfield(L, -2, "letters");
  return 1;
}

int rouge_l(lua_State *L) {  // rouge_l(ids, ids) -> similarity 0 .. 1 (signals/text_signals.hpp)
  lua_pushnumber(L, signals::rouge_l(read_tokens(L, 1, "first"), read_tokens(L, 2, "second")));
  return 1;
}

// first_divergence(ids, ids) -> the first position, from 0, where they differ, or the shorter length if
// one is the beginning of the other; nil if they are equal
int first_divergence(lua_State *L) {
  const int64_t place =
      signals::first_divergence(read_tokens(L, 1, "first"), read_tokens(L, 2, "second"));
  if (place < 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, place);
  return 1;
}

}  // namespace

const luaL_Reg k_signal_functions[] = {{"text_signals", guarded<text_signals>},
                                       {"rouge_l", guarded<rouge_l>},
                                       {"first_divergence", guarded<first_divergence>},
                                       {nullptr, nullptr}};

}  // namespace assay::lua
