// Opens a plugin through its one exported symbol and gives it a small host, for the tests of single components. It does
// not check that the plugin keeps the contract; tests/conformance does.
#pragma once

#include <dlfcn.h>

#include <cstring>
#include <stdexcept>
#include <string>

#include "assay.h"
#include "core/hash.hpp"
#include "core/schema.hpp"

namespace harness {

inline std::string &last_failure() {
  static std::string text;
  return text;
}

// Adds the functions hash_begin, hash_update and hash_end; unlike the real host's, they do not check their arguments.
inline void add_hashes(assay_host &table) {
  table.hash_begin = [](void *, void **out) -> int32_t {
    *out = new assay::sha256();
    return ASSAY_OK;
  };
  table.hash_update = [](void *, void *hash, const void *bytes, uint64_t n) -> int32_t {
    static_cast<assay::sha256 *>(hash)->update(bytes, n);
    return ASSAY_OK;
  };
  table.hash_end = [](void *, void *hash, char *out_hex) -> int32_t {
    auto *mine = static_cast<assay::sha256 *>(hash);
    if (out_hex != nullptr) std::strcpy(out_hex, mine->hex().c_str());
    delete mine;
    return ASSAY_OK;
  };
}

inline const assay_host &host() {
  static const assay_host table = [] {
    assay_host made{};
    made.struct_size = sizeof made;
    made.name = "assay";
    made.version = "test";
    made.log = [](void *, int32_t, const char *) {};
    made.progress = [](void *, uint64_t, uint64_t, const char *) -> int32_t { return ASSAY_OK; };
    made.cancelled = [](void *) -> int32_t { return 0; };
    made.fail = [](void *, int32_t status, const char *text) {
      last_failure() = text;
      return status;
    };
    made.ledger = [](void *, const char *, uint64_t, const char *) {};
    made.seed = [](void *, const char *) -> uint64_t { return 1; };
    made.get_extension = [](void *, const char *) -> const void * { return nullptr; };
    add_hashes(made);
    return made;
  }();
  return table;
}

// Returns the configuration, in which missing keys have the defaults of the component's schema, as in the real host.
inline assay::json completed(const assay_component &what, const std::string &config) {
  return assay::schema::parse(what.config_schema, what.id)
      .complete(assay::parse_json(config, "configuration"), what.id);
}

// The small host with a configuration. Missing keys get the defaults of the component's schema, as in the real host.
class configured_host {
 public:
  configured_host(const assay_component &what, const std::string &config)
      : config_(completed(what, config)), table_(host()) {
    table_.ctx = this;
    table_.config_text = [](void *ctx, const char *key, const char **out) -> int32_t {
      *out = static_cast<configured_host *>(ctx)->config_.at(key).get_ref<std::string &>().c_str();
      return ASSAY_OK;
    };
  }
  configured_host(const configured_host &) = delete;
  configured_host &operator=(const configured_host &) = delete;
  const assay_host &table() const { return table_; }

 private:
  assay::json config_;
  assay_host table_;
};

// Returns the component `id` of the plugin NAME.assay.so. The library stays loaded, as in the real host.
inline const assay_component *component(const std::string &name, const std::string &id) {
  const std::string path = std::string(ASSAY_BUILD_DIR) + "/plugins/" + name + ".assay.so";
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  void *symbol = dlsym(library, "assay_plugin_v1");
  if (symbol == nullptr) throw std::runtime_error(path + " exports no assay_plugin_v1");
  const assay_plugin *(*entry)(const assay_host *) = nullptr;
  std::memcpy(&entry, &symbol, sizeof entry);
  const assay_plugin *plugin = entry(&host());
  for (uint32_t i = 0; i < plugin->n_components; ++i)
    if (id == plugin->components[i]->id) return plugin->components[i];
  throw std::runtime_error(path + " has no component " + id);
}

}  // namespace harness
