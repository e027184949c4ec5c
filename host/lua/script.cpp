// Runs Lua scripts, and verbs of the program that are written in Lua.
#include "lua/script.hpp"

#include <filesystem>

#include "core/file.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"

namespace assay::lua {
namespace {

// Throws the problem if there is one.
void must(const std::optional<caught> &problem, bool with_traceback) {
  if (problem) raise(*problem, with_traceback);
}

// Pops the exit code that a Lua function returned; 0 if it returned no integer.
int take_code(lua_State *L) {
  const int code = lua_isinteger(L, -1) ? static_cast<int>(lua_tointeger(L, -1)) : 0;
  lua_pop(L, 1);
  return code;
}

}  // namespace

int run_script(const settings &given, const std::string &path, const std::string &mode,
               const std::vector<std::string> &arguments, bool with_traceback) {
  namespace files = std::filesystem;
  if (!files::exists(path))
    throw error(error_kind::usage, "there is no such script")
        .at(path)
        .hint("Start with scripts/studies/quickstart.lua");
  settings mine = given;
  const files::path folder = files::path(path).parent_path();
  mine.script_folder = folder.empty() ? "." : folder.string();
  state lua(mine);
  lua_State *L = lua.get();
  lua.push_library();
  lua_getfield(L, -1, "finish");
  must(lua.load_file(path), with_traceback);
  for (const std::string &argument : arguments) push_string(L, argument);
  must(lua.call(static_cast<int>(arguments.size()), 1), with_traceback);
  push_string(L, mode);
  push_string(L, path);
  must(lua.call(3, 1), with_traceback);
  return take_code(L);
}

int run_command(const settings &given, const std::string &name, const json &options,
                bool with_traceback) {
  state lua(given);
  lua_State *L = lua.get();
  lua.push_library();
  lua_getglobal(L, "require");
  push_string(L, "assay.cli." + name);
  must(lua.call(1, 1), with_traceback);
  push_json(L, options);
  must(lua.call(1, 1), with_traceback);
  return take_code(L);
}

}  // namespace assay::lua
