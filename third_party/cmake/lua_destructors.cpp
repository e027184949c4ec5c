// CMake runs this test of the Lua library: when a Lua error leaves a C++ function, the destructors of its objects must run.
// A Lua that was compiled as C uses longjmp, which skips them, so tensors would leak. Such a Lua is refused. host/lua/lua_headers.hpp
// says why <lua.hpp> is not included.
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
