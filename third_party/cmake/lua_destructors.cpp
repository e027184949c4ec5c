// Run at configure time: a Lua error must run the destructors of the C++ frames that it leaves.
// Not so with a Lua that was compiled as C, whose longjmp skips them and leaks every tensor in flight.
// Not <lua.hpp>, see host/lua/lua_headers.hpp.
#include <lua.h>

#include <lauxlib.h>

namespace {

int destroyed = 0;

struct witness {
  ~witness() { ++destroyed; }
};

int fail(lua_State *state) {
  witness on_the_stack;
  return luaL_error(state, "on purpose");
}

}  // namespace

int main() {
  lua_State *state = luaL_newstate();
  lua_pushcfunction(state, fail);
  const bool failed = lua_pcall(state, 0, 0, 0) != LUA_OK;
  lua_close(state);
  return failed && destroyed == 1 ? 0 : 1;
}
