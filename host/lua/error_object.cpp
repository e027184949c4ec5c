// Makes error objects (the Lua tables that stand for errors), wraps other errors into them, and reads
// them back as C++ exceptions.
#include "lua/error_object.hpp"

#include <cstring>

#include "lua/lx.hpp"

namespace assay::lua {
namespace {

constexpr const char *k_class = "assay.error";
constexpr const char *k_library = "assay.library_folder";  // registry key

// Returns a text field of the table at `index`; "" if it is absent or no text.
std::string field(lua_State *L, int index, const char *key) {
  index = lua_absindex(L, index);
  lua_pushstring(L, key);
  lua_rawget(L, index);
  std::string value = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  lua_pop(L, 1);
  return value;
}

void set_field(lua_State *L, const char *key, const std::string &value) {
  if (value.empty()) return;
  push_string(L, value);
  lua_setfield(L, -2, key);
}

bool is_error_object(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TTABLE || !lua_getmetatable(L, index)) return false;
  luaL_getmetatable(L, k_class);
  const bool same = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return same;
}

error_kind kind_of(const std::string &name) {
  for (const error_kind kind : {error_kind::usage, error_kind::plugin, error_kind::cancelled,
                                error_kind::timeout, error_kind::gate})
    if (name == kind_name(kind)) return kind;
  return error_kind::failed;
}

// Returns the error object at `index` as an exception. The script's line becomes part of `where`.
error as_error(lua_State *L, int index) {
  std::string where = field(L, index, "where");
  const std::string script = field(L, index, "script");
  if (!script.empty()) where = where.empty() ? script : script + ": " + where;
  error problem(kind_of(field(L, index, "kind")), field(L, index, "message"));
  return std::move(problem)
      .at(where)
      .plugin(field(L, index, "plugin"))
      .layer(field(L, index, "layer"))
      .cause(field(L, index, "cause"))
      .hint(field(L, index, "hint"));
}

int to_text(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  push_string(L, std::string(as_error(L, 1).what()));
  return 1;
}

void push_object_of(lua_State *L, const error &problem, const std::string &kind) {
  lua_newtable(L);
  set_field(L, "kind", kind);
  set_field(L, "message", problem.message());
  set_field(L, "where", problem.where());
  set_field(L, "plugin", problem.plugin());
  set_field(L, "layer", problem.layer());
  set_field(L, "cause", problem.cause());
  set_field(L, "hint", problem.hint());
  set_field(L, "script", script_position(L));
  luaL_setmetatable(L, k_class);
}

// Finds the innermost call of the script itself, skipping C functions and the Lua library. Returns
// false if there is none.
bool find_script_frame(lua_State *L, lua_Debug &frame) {
  lua_getfield(L, LUA_REGISTRYINDEX, k_library);
  const std::string library = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  lua_pop(L, 1);
  for (int level = 0; lua_getstack(L, level, &frame); ++level) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0) continue;
    const bool is_library = frame.source[0] == '@' && !library.empty() &&
                            std::strncmp(frame.source + 1, library.c_str(), library.size()) == 0;
    if (!is_library) return true;
  }
  return false;
}

// Lua puts a position before a message: "a.lua:3: text". If this position is the line of the script, the
// function returns the message without it ("text"), because the error object has the line in `script`.
// short_src is the file's name as Lua writes it in positions.
std::string without_position(lua_State *L, const std::string &text) {
  lua_Debug frame;
  if (!find_script_frame(L, frame)) return text;
  const std::string prefix =
      std::string(frame.short_src) + ":" + std::to_string(frame.currentline) + ": ";
  return text.compare(0, prefix.size(), prefix) == 0 ? text.substr(prefix.size()) : text;
}

}  // namespace

void register_error_class(lua_State *L) {
  luaL_newmetatable(L, k_class);
  lua_pushcfunction(L, guarded<to_text>);
  lua_setfield(L, -2, "__tostring");
  lua_pushstring(L, "error");
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
}

void set_library_folder(lua_State *L, const std::string &folder) {
  push_string(L, folder);
  lua_setfield(L, LUA_REGISTRYINDEX, k_library);
}

std::string script_position(lua_State *L) {
  lua_Debug frame;
  if (!find_script_frame(L, frame)) return "";
  const std::string name = frame.source[0] == '@' ? frame.source + 1 : frame.short_src;
  return name + ":" + std::to_string(frame.currentline);
}

void push_error(lua_State *L, const error &problem) {
  push_object_of(L, problem, kind_name(problem.kind()));
}

void push_foreign_error(lua_State *L, const std::exception &problem) {
  std::string text = plain_reason(problem);
  // LibTorch's c10::Error appends a C++ backtrace, which does not help the author of a script.
  text = text.substr(0, text.find("\nException raised from"));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (dynamic_cast<const std::bad_alloc *>(&problem)) text = "out of memory";
  push_object_of(L, error(error_kind::failed, text), kind_name(error_kind::failed));
}

int message_handler(lua_State *L) {
  if (!is_error_object(L, 1)) {
    size_t n = 0;
    const char *raw = luaL_tolstring(L, 1, &n);
    std::string text(raw, n);
    if (lua_type(L, 1) == LUA_TNIL) text = "error without a message";
    push_object_of(L, error(error_kind::failed, without_position(L, text)), "script");
    lua_replace(L, 1);
    lua_settop(L, 1);
  }
  if (field(L, 1, "traceback").empty()) {
    luaL_traceback(L, L, nullptr, 1);
    lua_setfield(L, 1, "traceback");
  }
  lua_settop(L, 1);
  return 1;
}

caught take_error(lua_State *L) {
  if (!is_error_object(L, -1)) {
    const char *text = lua_tostring(L, -1);
    caught plain{error(error_kind::failed, text ? text : "error without a message"), "script", ""};
    lua_pop(L, 1);
    return plain;
  }
  caught object{as_error(L, -1), field(L, -1, "kind"), field(L, -1, "traceback")};
  lua_pop(L, 1);
  return object;
}

}  // namespace assay::lua
