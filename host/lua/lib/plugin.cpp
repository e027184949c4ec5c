// The Lua library assay.native.plugin: lists what plugins offer, and checks configurations against
// their schemas. It loads no plugin, because the scan of the plugin files has stored all facts.
#include "lua/plugin.hpp"
#include "lua/lx.hpp"
#include "lua/state.hpp"
#include "plug/registry.hpp"
#include "plug/services.hpp"

namespace assay::lua {
namespace {

// Returns the facts of a component without its schema.
json brief(const plug::component &what) {
  return {{"id", what.id},
          {"kind", plug::kind_name(what.what)},
          {"summary", what.summary},
          {"revision", what.revision},
          {"plugin", what.plugin_id},
          {"version", what.plugin_version},
          {"license", what.plugin_license},
          {"file", what.file},
          {"sha256", what.file_hash}};
}

int list(lua_State *L) {  // list(kind?) -> { { id, kind, summary, ... }, ... }
  std::optional<plug::kind> only;
  if (!absent(L, 1)) only = read_kind(L, 1);
  json all = json::array();
  for (const plug::component *one : plug::plugins().all(only)) all.push_back(brief(*one));
  push_json(L, all);
  return 1;
}

int describe(lua_State *L) {  // describe(kind, id) -> facts with the schema; or nil and an error
  const plug::kind kind = read_kind(L, 1);
  const std::string id = read_string(L, 2, "id");
  try {
    const plug::component &what = plug::plugins().find(kind, id);
    json facts = brief(what);
    facts["schema"] = what.schema;
    facts["facts"] = what.facts;
    push_json(L, facts);
    return 1;
  } catch (const error &problem) {
    lua_pushnil(L);
    push_error(L, problem);
    return 2;
  }
}

// check(kind, id, config?) -> the configuration with all defaults; raises an error if it is wrong
int check(lua_State *L) {
  const plug::kind kind = read_kind(L, 1);
  const std::string id = read_string(L, 2, "id");
  const json config = absent(L, 3) ? json::object() : read_json(L, 3, "config");
  push_json(L, plug::plugins().find(kind, id).complete_config(config, id));
  return 1;
}

// files() -> { { path, id, version, broken, components = number }, ... }; broken: why the file
// cannot be used, or ""
int files(lua_State *L) {
  json all = json::array();
  for (const plug::plugin_file &file : plug::plugins().files())
    all.push_back({{"path", file.path},
                   {"id", file.id},
                   {"version", file.version},
                   {"broken", file.broken},
                   {"components", file.components.size()}});
  push_json(L, all);
  return 1;
}

}  // namespace

plug::kind read_kind(lua_State *L, int index) {
  const std::string name = read_string(L, index, "kind");
  plug::kind kind{};
  if (plug::parse_kind(name, kind)) return kind;
  throw error(error_kind::usage, called_name(L) + ": there is no kind of plugin '" + name + "'")
      .hint("Kinds: quantizer, transform, dataset, metric, exporter");
}

int open_plugin(lua_State *L) {
  plug::set_plugin_folders(settings_of(L).plugin_dirs);
  plug::set_plugin_threads(settings_of(L).threads);
  static const luaL_Reg functions[] = {{"list", guarded<list>},
                                       {"describe", guarded<describe>},
                                       {"check", guarded<check>},
                                       {"files", guarded<files>},
                                       {nullptr, nullptr}};
  push_library(L, functions);
  return 1;
}

}  // namespace assay::lua
