// Limits what Lua scripts may do. Scripts are trusted but can contain mistakes, so the limits give
// clear errors and keep accidents small. They do not stop a hostile script; that needs a container
// around the whole program.
#include <filesystem>

#include "lua/lx.hpp"
#include "lua/state.hpp"

namespace assay::lua {
namespace {
namespace files = std::filesystem;

void remove_fields(lua_State *L, const char *table, std::initializer_list<const char *> names) {
  lua_getglobal(L, table);
  for (const char *name : names) {
    lua_pushnil(L);
    lua_setfield(L, -2, name);
  }
  lua_pop(L, 1);
}

bool is_below(const files::path &path, const files::path &folder) {
  const files::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// Throws unless `path` is below the working folder, the script's folder, --out or the system's
// temporary folder, so that a mistake in a script cannot damage the rest of the disk.
void check_writable(lua_State *L, const std::string &path) {
  const settings &given = settings_of(L);
  const files::path target = files::weakly_canonical(path);
  std::vector<files::path> allowed{files::current_path(), given.script_folder,
                                   files::temp_directory_path()};
  if (!given.out.empty()) allowed.emplace_back(given.out);
  for (const files::path &folder : allowed)
    if (is_below(target, files::weakly_canonical(folder))) return;
  throw error(error_kind::usage,
              "scripts may write only below the working folder, their own folder, --out and the "
              "temporary folder")
      .at(path);
}

// Calls the original function with the same arguments. The original is upvalue 1, a value that wrap()
// has bound to the wrapper that runs now.
int call_original(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

int checked_open(lua_State *L) {  // io.open(path, mode)
  const std::string mode = absent(L, 2) ? "r" : read_string(L, 2, "mode");
  if (mode.find_first_of("wa+") != std::string::npos) check_writable(L, read_string(L, 1, "path"));
  return call_original(L);
}

int checked_output(lua_State *L) {  // io.output(file or path)
  if (lua_type(L, 1) == LUA_TSTRING) check_writable(L, read_string(L, 1, "path"));
  return call_original(L);
}

int checked_path(lua_State *L) {  // os.remove(path)
  check_writable(L, read_string(L, 1, "path"));
  return call_original(L);
}

int checked_rename(lua_State *L) {
  check_writable(L, read_string(L, 1, "from"));
  check_writable(L, read_string(L, 2, "to"));
  return call_original(L);
}

int text_load(lua_State *L) {  // load(chunk, name, mode, env), for text only
  lua_settop(L, lua_isnone(L, 4) ? 3 : 4);
  lua_pushstring(L, "t");
  lua_replace(L, 3);
  return call_original(L);
}

// Replaces table.name by `wrapper`, which gets the original function as upvalue 1.
void wrap(lua_State *L, const char *table, const char *name, lua_CFunction wrapper) {
  lua_getglobal(L, table);
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, wrapper, 1);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

// ---- strict globals ----------------------------------------------------------------------------

int unknown_global(lua_State *L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  throw error(error_kind::usage, "unknown variable '" + std::string(lua_tostring(L, 2)) + "'")
      .hint("Variables are made with 'local'; the library is: local assay = require \"assay\"");
}

int new_global(lua_State *L) {
  lua_Debug frame;
  const bool from_c =
      !lua_getstack(L, 1, &frame) || (lua_getinfo(L, "S", &frame), *frame.what == 'C');
  if (!from_c)
    throw error(error_kind::usage, std::string("global variable '") +
                                       luaL_tolstring(L, 2, nullptr) + "' is not declared")
        .hint("Write 'local' before it");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

void make_globals_strict(lua_State *L) {
  lua_pushglobaltable(L);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, guarded<unknown_global>);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, guarded<new_global>);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

}  // namespace

void restrict_standard_library(lua_State *L) {
  remove_fields(L, "os", {"execute", "exit", "tmpname", "setlocale"});
  remove_fields(L, "io", {"popen", "tmpfile"});
  remove_fields(L, "package", {"loadlib", "searchpath"});
  remove_fields(L, "debug",
                {"sethook", "setmetatable", "setuservalue", "setupvalue", "getregistry"});
  remove_fields(L, "_G", {"dofile", "loadfile"});
  wrap(L, "io", "open", guarded<checked_open>);
  wrap(L, "io", "output", guarded<checked_output>);
  wrap(L, "os", "remove", guarded<checked_path>);
  wrap(L, "os", "rename", guarded<checked_rename>);
  wrap(L, "_G", "load", guarded<text_load>);
  const settings &given = settings_of(L);
  // Seeds math.random with --seed (1 if it is not given) and not from the clock, so that runs repeat.
  lua_getglobal(L, "math");
  lua_getfield(L, -1, "randomseed");
  lua_pushinteger(L, static_cast<lua_Integer>(given.seed.value_or(1)));
  lua_call(L, 1, 0);
  lua_pop(L, 1);
  if (given.strict_globals) make_globals_strict(L);
}

}  // namespace assay::lua
