// Reads the arguments and option tables of bindings (C++ functions that Lua calls), and makes the
// metatables of classes: the tables in which Lua finds an object's methods.
#include "lua/lx.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/suggest.hpp"

namespace assay::lua {

stack_check::~stack_check() {
  if (std::uncaught_exceptions() || lua_gettop(L_) == expected_) return;
  std::fprintf(stderr, "assay: internal error: Lua stack is off by %d\n",
               lua_gettop(L_) - expected_);
  std::abort();
}

void push_library(lua_State *L, const luaL_Reg *functions) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
}

std::string called_name(lua_State *L) {
  lua_Debug frame;
  if (!lua_getstack(L, 0, &frame) || !lua_getinfo(L, "n", &frame) || !frame.name) return "?";
  return frame.name;
}

std::string type_text(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING) {
    std::string name = lua_tostring(L, -1);
    lua_pop(L, 1);
    return "a " + name;
  }
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      return "nil";
    case LUA_TNUMBER:
      return lua_isinteger(L, index) ? "an integer" : "a number";
    default:
      return std::string("a ") + luaL_typename(L, index);
  }
}

void bad_argument(lua_State *L, int index, const char *name, const char *expected) {
  const std::string text = expected;
  const bool vowel = std::string_view("aeiou").find(text[0]) != std::string_view::npos;
  throw error(error_kind::usage, called_name(L) + ": '" + name + "' must be " +
                                     (vowel ? "an " : "a ") + text + ", not " +
                                     type_text(L, index));
}

std::string read_string(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TSTRING) bad_argument(L, index, name, "string");
  size_t n = 0;
  const char *text = lua_tolstring(L, index, &n);
  return {text, n};
}

double read_number(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TNUMBER) bad_argument(L, index, name, "number");
  return lua_tonumber(L, index);
}

int64_t read_integer(lua_State *L, int index, const char *name) {
  int whole = 0;
  const lua_Integer value =
      lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : 0;
  if (!whole) bad_argument(L, index, name, "integer");
  return value;
}

std::vector<int64_t> read_ids(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) != LUA_TTABLE) bad_argument(L, index, name, "list of token ids");
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  std::vector<int64_t> ids;
  ids.reserve(static_cast<size_t>(n));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    int whole = 0;
    ids.push_back(lua_tointegerx(L, -1, &whole));
    if (!whole)
      throw error(error_kind::usage, called_name(L) + ": '" + name + "[" + std::to_string(i) +
                                         "]' must be an integer, not " + type_text(L, -1));
    lua_pop(L, 1);
  }
  return ids;
}

std::vector<std::string> read_strings(lua_State *L, int index, const char *name) {
  if (lua_type(L, index) == LUA_TSTRING) return {read_string(L, index, name)};
  if (lua_type(L, index) != LUA_TTABLE) bad_argument(L, index, name, "list of strings");
  std::vector<std::string> texts;
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    if (lua_type(L, -1) != LUA_TSTRING)
      throw error(error_kind::usage, called_name(L) + ": '" + name + "[" + std::to_string(i) +
                                         "]' must be a string, not " + type_text(L, -1));
    texts.push_back(read_string(L, -1, name));
    lua_pop(L, 1);
  }
  return texts;
}

void push_ids(lua_State *L, const std::vector<int64_t> &ids) {
  lua_createtable(L, static_cast<int>(ids.size()), 0);
  for (size_t i = 0; i < ids.size(); ++i) {
    lua_pushinteger(L, ids[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

void push_string(lua_State *L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

// ---- option tables -----------------------------------------------------------------------------

option_table::option_table(lua_State *L, int index, const std::vector<std::string> &known)
    : L_(L), index_(absent(L, index) ? 0 : lua_absindex(L, index)) {
  if (!index_) return;
  if (lua_type(L, index_) != LUA_TTABLE) bad_argument(L, index_, "options", "table");
  lua_pushnil(L);
  while (lua_next(L, index_)) {
    lua_pop(L, 1);
    const std::string key = lua_type(L, -1) == LUA_TSTRING
                                ? std::string(lua_tostring(L, -1))
                                : "[" + std::string(luaL_tolstring(L, -1, nullptr)) + "]";
    bool found = false;
    for (const std::string &name : known) found = found || name == key;
    if (!found)
      throw error(error_kind::usage, called_name(L) + ": unknown option '" + key + "'")
          .hint(suggestion(key, known));
  }
}

bool option_table::push(const char *key) const {
  if (!index_) return false;
  if (lua_getfield(L_, index_, key) != LUA_TNIL) return true;
  lua_pop(L_, 1);
  return false;
}

bool option_table::has(const char *key) const {
  if (!push(key)) return false;
  lua_pop(L_, 1);
  return true;
}

void option_table::bad(const char *key, const char *expected) const {
  const std::string text = expected;
  throw error(error_kind::usage, called_name(L_) + ": option '" + key + "' must be " + text +
                                     ", not " + type_text(L_, -1));
}

std::optional<std::string> option_table::text(const char *key) const {
  if (!push(key)) return std::nullopt;
  if (lua_type(L_, -1) != LUA_TSTRING) bad(key, "a string");
  std::string value = read_string(L_, -1, key);
  lua_pop(L_, 1);
  return value;
}

std::optional<double> option_table::number(const char *key) const {
  if (!push(key)) return std::nullopt;
  if (lua_type(L_, -1) != LUA_TNUMBER) bad(key, "a number");
  const double value = lua_tonumber(L_, -1);
  lua_pop(L_, 1);
  return value;
}

std::optional<int64_t> option_table::integer(const char *key) const {
  if (!push(key)) return std::nullopt;
  int whole = 0;
  const lua_Integer value = lua_type(L_, -1) == LUA_TNUMBER ? lua_tointegerx(L_, -1, &whole) : 0;
  if (!whole) bad(key, "an integer");
  lua_pop(L_, 1);
  return value;
}

bool option_table::flag(const char *key, bool otherwise) const {
  if (!push(key)) return otherwise;
  if (lua_type(L_, -1) != LUA_TBOOLEAN) bad(key, "true or false");
  const bool value = lua_toboolean(L_, -1);
  lua_pop(L_, 1);
  return value;
}

// ---- classes -----------------------------------------------------------------------------------

void make_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction collector,
                lua_CFunction to_text) {
  const stack_check check(L, 0);
  luaL_newmetatable(L, name);  // sets __name
  lua_pushcfunction(L, collector);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, collector);
  lua_setfield(L, -2, "__close");
  if (to_text) {
    lua_pushcfunction(L, to_text);
    lua_setfield(L, -2, "__tostring");
  }
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_pushcfunction(L, collector);
  lua_setfield(L, -2, "free");
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void tell_collector(lua_State *L, int64_t bytes) {
  if (bytes >= 1024)
    lua_gc(L, LUA_GCSTEP, static_cast<int>(std::min<int64_t>(bytes >> 10, 1 << 20)));
}

void freed_object(const char *name) {
  throw error(error_kind::usage,
              std::string("this ") + name + " was freed and cannot be used any more");
}

}  // namespace assay::lua
