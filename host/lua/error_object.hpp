// Error objects: what a script catches with pcall and what the runner prints.
// A table { kind, message, script, where, plugin, layer, hint, cause, traceback } with a metatable;
// tostring gives one line. `script` is the line of the *script*, never of the Lua library.
#pragma once

#include <string>
#include "lua/lua_headers.hpp"

#include "core/error.hpp"

namespace assay::lua {

void register_error_class(lua_State *L);

// "studies/a.lua:12": the innermost running line outside the Lua library, "" if there is none.
std::string script_position(lua_State *L);
// Chunks whose name begins with this folder are library, not script.
void set_library_folder(lua_State *L, const std::string &folder);

// Message handler for lua_pcall: wraps strings into error objects, adds script and traceback.
int message_handler(lua_State *L);

// The value on the top as the host's exception (traceback kept apart); pops it.
struct caught {
  error problem;
  std::string kind;  // "script" beside the host's kinds
  std::string traceback;
};
caught take_error(lua_State *L);

}  // namespace assay::lua
