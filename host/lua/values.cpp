// Converts JSON values to Lua values and back, and keeps the order of keys. The Lua library
// assay.native.json is here too.
//
// A decoded object has a metatable (a table in which Lua looks for special behaviour) of its own:
// { __name = "object", __keys = { k1, k2, ... } }. Its __pairs iterates in that order, and its
// __newindex appends new keys, so that a changed object keeps its order too.
#include <cmath>
#include <set>

#include "lua/json_text.hpp"
#include "lua/lx.hpp"

namespace assay::lua {
namespace {

constexpr int k_max_depth = 200;
constexpr const char *k_list = "assay.list";  // metatable of lists
constexpr const char *k_object_next = "assay.object_next";

// The iterator of __pairs: returns the next key that still has a value, and the value. Its arguments
// are (object, key). Two values are bound to it (upvalues): the list of keys and the position in it.
int object_next(lua_State *L) {
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, lua_upvalueindex(1)));
  lua_Integer i = lua_tointeger(L, lua_upvalueindex(2));
  while (++i <= n) {
    lua_rawgeti(L, lua_upvalueindex(1), i);
    lua_pushvalue(L, -1);
    lua_rawget(L, 1);
    if (!lua_isnil(L, -1)) {
      lua_pushinteger(L, i);
      lua_replace(L, lua_upvalueindex(2));
      return 2;
    }
    lua_pop(L, 2);
  }
  lua_pushnil(L);
  return 1;
}

int object_pairs(lua_State *L) {
  luaL_getmetafield(L, 1, "__keys");
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, object_next, 2);
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

// Lua calls it as (object, key, value) if the key has no value yet. A key that was removed and is set
// again keeps its old place.
int object_newindex(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && !lua_isnil(L, 3)) {
    luaL_getmetafield(L, 1, "__keys");
    const auto n = static_cast<lua_Integer>(lua_rawlen(L, -1));
    bool known = false;
    for (lua_Integer i = 1; i <= n && !known; ++i) {
      lua_rawgeti(L, -1, i);
      known = lua_rawequal(L, -1, 2);
      lua_pop(L, 1);
    }
    if (!known) {
      lua_pushvalue(L, 2);
      lua_rawseti(L, -2, n + 1);
    }
    lua_pop(L, 1);
  }
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

}  // namespace

void push_list_metatable(lua_State *L) {
  if (luaL_newmetatable(L, k_list)) {
    lua_pushstring(L, "list");
    lua_setfield(L, -2, "__name");
  }
}

// Pops a list of keys and pushes the metatable of an object that has them in this order.
void wrap_keys(lua_State *L) {
  lua_createtable(L, 0, 4);
  lua_insert(L, -2);
  lua_setfield(L, -2, "__keys");
  lua_pushcfunction(L, object_pairs);
  lua_setfield(L, -2, "__pairs");
  lua_pushcfunction(L, object_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushstring(L, "object");
  lua_setfield(L, -2, "__name");
}

namespace {

[[noreturn]] void refuse(const std::string &path, const std::string &why) {
  throw error(error_kind::usage, "'" + path + "' cannot be written as JSON: " + why);
}

json read_value(lua_State *L, int index, const std::string &path, int depth);

json read_list(lua_State *L, int index, const std::string &path, int depth) {
  json out = json::array();
  const auto n = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= n; ++i) {
    lua_rawgeti(L, index, i);
    out.push_back(read_value(L, lua_gettop(L), path + "[" + std::to_string(i) + "]", depth + 1));
    lua_pop(L, 1);
  }
  return out;
}

// Returns the keys of an object: first those that its metatable lists, in that order, then the others
// sorted. Throws for a key that is no string.
std::vector<std::string> ordered_keys(lua_State *L, int index, const std::string &path) {
  std::set<std::string> all;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      refuse(path, "it mixes list items and named keys, or has keys that are not strings");
    size_t n = 0;
    const char *text = lua_tolstring(L, -1, &n);
    all.emplace(text, n);
  }
  std::vector<std::string> keys;
  if (luaL_getmetafield(L, index, "__keys") == LUA_TTABLE) {
    const auto n = static_cast<lua_Integer>(lua_rawlen(L, -1));
    for (lua_Integer i = 1; i <= n; ++i) {
      lua_rawgeti(L, -1, i);
      size_t length = 0;
      const char *text = lua_tolstring(L, -1, &length);
      std::string key(text, length);
      if (all.erase(key)) keys.push_back(std::move(key));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  keys.insert(keys.end(), all.begin(), all.end());
  return keys;
}

// A table is a list if it is marked as one (json.list) or has an element 1.
bool is_list(lua_State *L, int index) {
  if (lua_getmetatable(L, index)) {
    push_list_metatable(L);
    const bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (marked) return true;
  }
  return lua_rawlen(L, index) > 0;
}

json read_table(lua_State *L, int index, const std::string &path, int depth) {
  if (depth > k_max_depth) refuse(path, "it is nested too deeply or contains itself");
  luaL_checkstack(L, 8, "JSON");
  if (is_list(L, index)) {
    lua_Integer n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) ++n;
    if (n != static_cast<lua_Integer>(lua_rawlen(L, index)))
      refuse(path, "it mixes list items and named keys, or has holes");
    return read_list(L, index, path, depth);
  }
  json out = json::object();
  for (const std::string &key : ordered_keys(L, index, path)) {
    push_string(L, key);
    lua_rawget(L, index);
    out.push_back(
        {key, read_value(L, lua_gettop(L), path.empty() ? key : path + "." + key, depth + 1)});
    lua_pop(L, 1);
  }
  return out;
}

json read_value(lua_State *L, int index, const std::string &path, int depth) {
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return nullptr;
    case LUA_TBOOLEAN:
      return static_cast<bool>(lua_toboolean(L, index));
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) return static_cast<int64_t>(lua_tointeger(L, index));
      if (!std::isfinite(lua_tonumber(L, index))) refuse(path, "the number is not finite");
      return lua_tonumber(L, index);
    case LUA_TSTRING: {
      size_t n = 0;
      const char *text = lua_tolstring(L, index, &n);
      return std::string(text, n);
    }
    case LUA_TLIGHTUSERDATA:
      if (!lua_touserdata(L, index)) return nullptr;  // assay.json.null
      break;
    case LUA_TTABLE:
      return read_table(L, index, path, depth);
    default:
      break;
  }
  refuse(path, "it is " + type_text(L, index));
}

void push_object_json(lua_State *L, const json &value) {
  lua_createtable(L, 0, static_cast<int>(value.size()));
  lua_createtable(L, static_cast<int>(value.size()), 0);  // keys
  lua_Integer i = 0;
  for (auto item = value.begin(); item != value.end(); ++item) {
    push_string(L, item.key());
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, ++i);
    push_json(L, item.value());
    lua_rawset(L, -4);
  }
  wrap_keys(L);
  lua_setmetatable(L, -2);
}

// json.object(pairs?) -> an object that remembers the order in which keys were added. It is empty, or
// has the given pairs: { { "k", v }, { "k2", v2 } }.
int make_object(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  wrap_keys(L);
  lua_setmetatable(L, -2);
  if (!absent(L, 1)) {
    if (!lua_istable(L, 1)) bad_argument(L, 1, "pairs", "list of pairs { key, value }");
    const auto n = static_cast<lua_Integer>(lua_rawlen(L, 1));
    for (lua_Integer i = 1; i <= n; ++i) {
      lua_rawgeti(L, 1, i);
      if (!lua_istable(L, -1) || lua_rawgeti(L, -1, 1) != LUA_TSTRING)
        throw error(error_kind::usage, "json.object: pair " + std::to_string(i) +
                                           " must be { key, value } with a string as key");
      lua_pop(L, 1);
      lua_rawgeti(L, -1, 1);
      lua_rawgeti(L, -2, 2);
      lua_settable(L, -4);
      lua_pop(L, 1);
    }
  }
  return 1;
}

// json.list(table?) -> the table, or a new one, marked as a list: JSON then has [] even if it is empty
int make_list(lua_State *L) {
  if (absent(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_list_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

// json.decode(text, name?) -> value; `name` is for messages
int decode(lua_State *L) {
  const std::string text = read_string(L, 1, "text");
  if (push_json_text(L, text)) return 1;
  push_json(L, parse_json(text, absent(L, 2) ? "JSON text" : read_string(L, 2, "name")));
  return 1;
}

// json.encode(value, { indent, canonical }?) -> text. indent: spaces for each level; without it, the
// text is one line. canonical: equal values give equal texts, so that their hashes are equal.
int encode(lua_State *L) {
  const option_table options(L, 2, {"indent", "canonical"});
  const json value = read_json(L, 1, "value");
  if (options.flag("canonical", false)) {
    push_string(L, canonical_json(value));
    return 1;
  }
  const auto indent = static_cast<int>(options.integer("indent").value_or(-1));
  push_string(L, json_text(value, indent));
  return 1;
}

}  // namespace

void push_json(lua_State *L, const json &value) {
  luaL_checkstack(L, 8, "JSON");
  switch (value.type()) {
    case json::value_t::object:
      return push_object_json(L, value);
    case json::value_t::array: {
      lua_createtable(L, static_cast<int>(value.size()), 0);
      push_list_metatable(L);
      lua_setmetatable(L, -2);
      lua_Integer i = 0;
      for (const json &item : value) {
        push_json(L, item);
        lua_rawseti(L, -2, ++i);
      }
      return;
    }
    case json::value_t::string:
      return push_string(L, value.get_ref<const std::string &>());
    case json::value_t::boolean:
      return lua_pushboolean(L, value.get<bool>());
    case json::value_t::number_integer:
    case json::value_t::number_unsigned: {
      if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)
        return lua_pushnumber(L, value.get<double>());
      return lua_pushinteger(L, value.get<int64_t>());
    }
    case json::value_t::number_float:
      return lua_pushnumber(L, value.get<double>());
    default:
      return lua_pushlightuserdata(L, nullptr);
  }
}

json read_json(lua_State *L, int index, const char *name) {
  return read_value(L, lua_absindex(L, index), name, 0);
}

int open_json(lua_State *L) {
  static const luaL_Reg functions[] = {{"decode", guarded<decode>},
                                       {"encode", guarded<encode>},
                                       {"object", guarded<make_object>},
                                       {"list", guarded<make_list>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  lua_pushlightuserdata(L, nullptr);
  lua_setfield(L, -2, "null");
  return 1;
}

}  // namespace assay::lua
