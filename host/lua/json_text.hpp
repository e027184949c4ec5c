// Turns JSON text into Lua values directly, without a tree of C++ JSON values, because datasets have
// hundreds of thousands of records. If it refuses a text, callers use parse_json and push_json instead.
// These give the same values, or an error with its reason.
#pragma once

#include <string_view>

#include "lua/lx.hpp"

namespace assay::lua {

// Pushes the value and returns true. Returns false and leaves the stack as it was if the text is not
// JSON, is nested deeper than 100 levels, has a name twice in one object, has an integer that does
// not fit into 64 bits, or has a number that is too large for a double. With big_integers, an integer
// that does not fit becomes a text of its digits instead.
bool push_json_text(lua_State *L, std::string_view text, bool big_integers = false);

// Both are in values.cpp and push a metatable (Lua's way to give a table special behaviour). The first
// marks a table as a list. The second pops a list of keys, and its metatable keeps the keys of an
// object in that order.
void push_list_metatable(lua_State *L);
void wrap_keys(lua_State *L);

}  // namespace assay::lua
