// The Lua library assay.native.fs: reads and writes whole files, and works on folders. It is for the
// Lua library itself; users' scripts have `io`. If read() or list() fails, it returns nil and an
// error object; all other functions raise the error.
#include <algorithm>
#include <filesystem>

#include "core/claim.hpp"
#include "core/file.hpp"
#include "core/hash.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"

namespace assay::lua {

template <>
struct class_of<path_claim> {
  static constexpr const char *name = "claim";
};

namespace {
namespace files = std::filesystem;

// read(path) -> bytes, or nil and an error
int read(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  try {
    push_string(L, read_file(path));
    return 1;
  } catch (const error &problem) {
    lua_pushnil(L);
    push_error(L, problem);
    return 2;
  }
}

// write(path, bytes): at any moment, the file has either its old content or all of the new content
int write(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  size_t n = 0;
  if (lua_type(L, 2) != LUA_TSTRING) bad_argument(L, 2, "bytes", "string");
  const char *bytes = lua_tolstring(L, 2, &n);
  write_file_atomically(path, {bytes, n});
  return 0;
}

// kind(path) -> "file", "folder", or nil if there is nothing
int kind(lua_State *L) {
  std::error_code code;
  const auto status = files::status(read_string(L, 1, "path"), code);
  if (files::is_directory(status))
    lua_pushstring(L, "folder");
  else if (files::exists(status))
    lua_pushstring(L, "file");
  else
    lua_pushnil(L);
  return 1;
}

// list(path) -> names in the folder, sorted, or nil and an error
int list(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  std::vector<std::string> names;
  std::error_code code;
  for (files::directory_iterator it(path, code), end; !code && it != end; it.increment(code))
    names.push_back(it->path().filename().string());
  if (code) {
    lua_pushnil(L);
    push_error(L,
               error(error_kind::failed, "cannot list the folder").at(path).cause(code.message()));
    return 2;
  }
  std::sort(names.begin(), names.end());
  lua_createtable(L, static_cast<int>(names.size()), 0);
  for (size_t i = 0; i < names.size(); ++i) {
    push_string(L, names[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

[[noreturn]] void fail(const std::string &path, const char *what, const std::error_code &code) {
  throw_file_error(path, what, code.value());
}

// mkdir(path): also makes the folders above it
int make_folder(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  std::error_code code;
  files::create_directories(path, code);
  if (code) fail(path, "cannot create the folder", code);
  return 0;
}

// remove_all(path): removes a file, or a folder with all that is in it
int remove_all(lua_State *L) {
  const std::string path = read_string(L, 1, "path");
  if (path.empty() || files::weakly_canonical(path) == files::weakly_canonical("/"))
    throw error(error_kind::usage, "this path is never removed").at(path);
  std::error_code code;
  files::remove_all(path, code);
  if (code) fail(path, "cannot remove it", code);
  return 0;
}

int rename(lua_State *L) {
  const std::string from = read_string(L, 1, "from"), to = read_string(L, 2, "to");
  std::error_code code;
  files::rename(from, to, code);
  if (code) fail(to, "cannot rename into place", code);
  return 0;
}

int size(lua_State *L) {  // size(path) -> bytes of a file, or of all files below a folder
  const std::string path = read_string(L, 1, "path");
  std::error_code code;
  uintmax_t total = 0;
  if (files::is_directory(path, code)) {
    for (const auto &entry : files::recursive_directory_iterator(path))
      if (entry.is_regular_file()) total += entry.file_size();
  } else {
    total = files::file_size(path, code);
    if (code) fail(path, "cannot read the file", code);
  }
  lua_pushinteger(L, static_cast<lua_Integer>(total));
  return 1;
}

// absolute(path) -> the path from /; links are resolved in the part of it that exists
int absolute(lua_State *L) {
  push_string(L, files::weakly_canonical(read_string(L, 1, "path")).string());
  return 1;
}

// scripts_folder() -> the folder that contains the Lua library
int scripts(lua_State *L) {
  push_string(L, scripts_folder());
  return 1;
}

int hash(lua_State *L) {
  push_string(L, sha256_hex(read_string(L, 1, "bytes")));
  return 1;
}

// claim(path), claim_inside(folder) -> an object. As long as it lives, no other process can claim the
// same path, so that only one process works on a result (core/claim.hpp).
int claim(lua_State *L) {
  push_object<path_claim>(L, path_claim::beside(read_string(L, 1, "path")));
  return 1;
}

int claim_inside(lua_State *L) {
  push_object<path_claim>(L, path_claim::inside(read_string(L, 1, "folder")));
  return 1;
}

}  // namespace

int open_fs(lua_State *L) {
  static const luaL_Reg claim_methods[] = {{nullptr, nullptr}};
  register_class<path_claim>(L, claim_methods, nullptr);
  static const luaL_Reg functions[] = {{"read", guarded<read>},
                                       {"write", guarded<write>},
                                       {"kind", guarded<kind>},
                                       {"list", guarded<list>},
                                       {"mkdir", guarded<make_folder>},
                                       {"remove_all", guarded<remove_all>},
                                       {"rename", guarded<rename>},
                                       {"size", guarded<size>},
                                       {"absolute", guarded<absolute>},
                                       {"scripts_folder", guarded<scripts>},
                                       {"sha256", guarded<hash>},
                                       {"claim", guarded<claim>},
                                       {"claim_inside", guarded<claim_inside>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
