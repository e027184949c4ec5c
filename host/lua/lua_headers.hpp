// Lua's C API, with the linkage that the C++ build of Lua was given.
// Not <lua.hpp>: that one says extern "C", whereas Ubuntu 24.04's liblua5.4-c++ has C++ names. The plain headers declare
// what the distribution compiled (their luaconf.h decides).
#pragma once

#include <lua.h>

#include <lauxlib.h>
#include <lualib.h>
