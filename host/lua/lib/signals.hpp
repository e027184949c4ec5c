// Declares the functions of assay.native.stats that look at texts and tokens (lib/signals.cpp).
#pragma once

#include "lua/lua_headers.hpp"

namespace assay::lua {

extern const luaL_Reg k_signal_functions[];  // ends with { nullptr, nullptr }

}  // namespace assay::lua
