// What is known of a component and its file: facts from the scan, and its vtable once loaded.
// Not instances of it (plug/quantizer and its siblings).
#pragma once

#include <assay.h>

#include <memory>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/schema.hpp"

namespace assay::plug {

enum class kind : uint32_t {
  quantizer = ASSAY_KIND_QUANTIZER,
  transform = ASSAY_KIND_TRANSFORM,
  dataset = ASSAY_KIND_DATASET,
  metric = ASSAY_KIND_METRIC,
  exporter = ASSAY_KIND_EXPORTER,
};
inline constexpr kind k_kinds[] = {kind::quantizer, kind::transform, kind::dataset, kind::metric,
                                   kind::exporter};
const char *kind_name(kind which);  // static: "quantizer"
bool is_known_kind(uint32_t which);
bool parse_kind(const std::string &name, kind &out);

// Filled by the scan alone; nothing is loaded before load() (plug/loader) is asked.
struct component {
  kind what = kind::quantizer;
  std::string id;
  uint32_t revision = 0;
  uint32_t flags = 0;
  std::string summary;
  json schema = json::object();  // of the configuration
  json facts = json::object();   // as declared
  std::string file;              // of the plugin
  std::string file_hash;         // sha256 of its bytes
  std::string plugin_id, plugin_version, plugin_license;

  // Part of every stored result: results of another revision or build are other results.
  std::string identity() const { return id + "@" + std::to_string(revision); }
  // The configuration checked and completed with defaults; throws error(usage) at `where`.
  json complete_config(const json &config, const std::string &where) const;
};

}  // namespace assay::plug
