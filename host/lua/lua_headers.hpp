// Includes Lua's C API with the right linkage. Do not include <lua.hpp>: it declares the functions
// extern "C", but Ubuntu 24.04 compiles liblua5.4-c++ with C++ names. The plain headers, through
// their luaconf.h, declare the names that the distribution has compiled.
#pragma once

#include <lua.h>

#include <lauxlib.h>
#include <lualib.h>
