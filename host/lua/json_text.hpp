// JSON text straight to Lua values, for records by the hundred thousand. What it does not take as it comes, valid or not,
// it leaves to parse_json and push_json, whose values are the same.
#pragma once

#include <string_view>

#include "lua/lx.hpp"

namespace assay::lua {

// Pushes the value and returns true; or leaves the stack as it was and returns false where the text is not JSON, is
// nested deeper than 100 levels, names a member twice, or holds an integer beyond 64 bits.
// big_integers: such an integer becomes a text of its digits instead, since no number of Lua has its value.
bool push_json_text(lua_State *L, std::string_view text, bool big_integers = false);

// The parts that decoded values carry (values.cpp).
void push_list_metatable(lua_State *L);
void wrap_keys(
    lua_State *L);  // takes the list of keys on the top, pushes an ordered object's metatable

}  // namespace assay::lua
