// Declares how a kind of plugin ("quantizer", "metric", ...) is read from a script's argument.
#pragma once

#include "lua/lx.hpp"
#include "plug/component.hpp"

namespace assay::lua {

plug::kind read_kind(lua_State *L, int index);  // throws error(usage) for another word

}  // namespace assay::lua
