// The Lua library assay.native.text: tokenizers and chat templates without a model.
#include <filesystem>
#include <fstream>
#include <memory>

#include "checkpoint/gguf/gguf_metadata.hpp"
#include "core/file.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "lua/text.hpp"

namespace assay::lua {
namespace {

const text::tokenizer &tokenizer_of(lua_State *L) {
  return *check_object<tokenizer_handle>(L, 1, "self");
}

int encode(lua_State *L) {
  const text::tokenizer &t = tokenizer_of(L);
  const std::string input = read_string(L, 2, "text");
  push_encoded(L, t, input);
  return 1;
}

int decode(lua_State *L) {
  const text::tokenizer &t = tokenizer_of(L);
  const std::vector<int32_t> ids = narrow_ids(read_ids(L, 2, "ids"));
  const option_table options(L, 3, {"skip_special"});
  push_string(L, t.decode(ids, options.flag("skip_special", true)));
  return 1;
}

// t:token(id) -> the token as the vocabulary spells it ("Ġhello"); t:token(spelling) -> id. Both give
// nil for an unknown token.
int token(lua_State *L) {
  const text::tokenizer &t = tokenizer_of(L);
  if (lua_type(L, 2) == LUA_TSTRING) {
    const auto id = t.token_to_id(read_string(L, 2, "token"));
    if (id)
      lua_pushinteger(L, *id);
    else
      lua_pushnil(L);
    return 1;
  }
  const auto spelling = t.id_to_token(narrow_ids({read_integer(L, 2, "id")}).front());
  if (spelling)
    push_string(L, *spelling);
  else
    lua_pushnil(L);
  return 1;
}

int special_tokens(lua_State *L) {
  push_json(L, tokenizer_of(L).special_tokens());
  return 1;
}

// t:template_text() -> the Jinja text of the chat template; "" if there is none
int template_text(lua_State *L) {
  push_string(L, tokenizer_of(L).chat_template_text());
  return 1;
}

int size(lua_State *L) {
  lua_pushinteger(L, tokenizer_of(L).vocab_size());
  return 1;
}

int tokenizer_text(lua_State *L) {
  lua_pushfstring(L, "tokenizer with %I tokens",
                  static_cast<LUAI_UACINT>(tokenizer_of(L).vocab_size()));
  return 1;
}

bool begins_with_gguf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, 4) && std::string(magic, 4) == "GGUF";
}

// tokenizer(path): a folder, a tokenizer.json, or a GGUF file
int open_tokenizer(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  if (std::filesystem::is_regular_file(path) && begins_with_gguf(path)) {
    const auto files = model::gguf_tokenizer_files(*model::gguf_file::open(path));
    push_object<tokenizer_handle>(L, text::tokenizer::from_files(files));
    return 1;
  }
  push_object<tokenizer_handle>(L, text::tokenizer::from_folder(path));
  return 1;
}

// c:render(context) -> the prompt as text; the keys of `context` become variables of the template
int render(lua_State *L) {
  const auto &t = *check_object<template_handle>(L, 1, "self");
  if (lua_type(L, 2) != LUA_TTABLE) bad_argument(L, 2, "context", "table");
  push_string(L, t.render(read_json(L, 2, "context")));
  return 1;
}

int template_to_text(lua_State *L) {
  const auto &t = *check_object<template_handle>(L, 1, "self");
  lua_pushfstring(L, "chat template of %I bytes", static_cast<LUAI_UACINT>(t.source().size()));
  return 1;
}

// template(Jinja text, { special }?); special: special tokens by name, { bos_token = "<s>" }
int make_template(lua_State *L) {
  std::string text = read_string(L, 1, "text");
  const option_table options(L, 2, {"special"});
  json special = json::object();
  if (options.push("special")) special = read_json(L, -1, "special");
  push_object<template_handle>(
      L, std::make_shared<const text::chat_template>(std::move(text), std::move(special)));
  return 1;
}

}  // namespace

std::vector<int32_t> narrow_ids(const std::vector<int64_t> &ids) {
  std::vector<int32_t> narrow;
  narrow.reserve(ids.size());
  for (const int64_t id : ids) {
    if (id < 0 || id > INT32_MAX)
      throw error(error_kind::usage, std::to_string(id) + " is not a token id");
    narrow.push_back(static_cast<int32_t>(id));
  }
  return narrow;
}

void push_encoded(lua_State *L, const text::tokenizer &with, const std::string &text) {
  const option_table options(L, 3, {"special", "start"});
  const bool special = options.flag("special", false), start = options.flag("start", false);
  if (special && start) throw error(error_kind::usage, "encode takes either 'special' or 'start'");
  push_token_ids(L, start ? with.encode_start(text) : with.encode(text, special));
}

void push_token_ids(lua_State *L, const std::vector<int32_t> &ids) {
  push_ids(L, {ids.begin(), ids.end()});
}

int open_text(lua_State *L) {
  static const luaL_Reg tokenizer_methods[] = {
      {"encode", guarded<encode>}, {"decode", guarded<decode>},
      {"token", guarded<token>},   {"special_tokens", guarded<special_tokens>},
      {"size", guarded<size>},     {"template_text", guarded<template_text>},
      {nullptr, nullptr}};
  register_class<tokenizer_handle>(L, tokenizer_methods, guarded<tokenizer_text>);
  static const luaL_Reg template_methods[] = {{"render", guarded<render>}, {nullptr, nullptr}};
  register_class<template_handle>(L, template_methods, guarded<template_to_text>);
  static const luaL_Reg functions[] = {{"tokenizer", guarded<open_tokenizer>},
                                       {"template", guarded<make_template>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
