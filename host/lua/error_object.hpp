// Declares error objects: the tables that scripts catch with pcall (Lua's try) and that the program
// prints. Fields: { kind, message, script, where, plugin, layer, hint, cause, traceback }; absent ones
// are nil. `script` is a line of the user's script, never of the Lua library. tostring gives one line.
#pragma once

#include <string>
#include "lua/lua_headers.hpp"

#include "core/error.hpp"

namespace assay::lua {

// Makes the metatable that marks a table as an error object. Call it once for each Lua state.
void register_error_class(lua_State *L);

// Returns the line of the script that is running, "studies/a.lua:12"; "" if there is none. If the
// script has called the Lua library, it is the line with that call.
std::string script_position(lua_State *L);
// Sets the folder of the Lua library. All files in it count as library, not as script.
void set_library_folder(lua_State *L, const std::string &folder);

// The message handler for lua_pcall: turns any error value into an error object and adds the
// script's line and the traceback.
int message_handler(lua_State *L);

// An error that Lua code raised, as an exception of the host.
struct caught {
  error problem;
  std::string kind;  // a name of error_kind, "script" for a plain Lua error, or "syntax"
  std::string traceback;
};
// Pops the error value on the top of the stack and returns it.
caught take_error(lua_State *L);

}  // namespace assay::lua
