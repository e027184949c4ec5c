// What the scan found out about a component: one quantizer, transform, dataset, metric or exporter of a plugin file.
// Instances of components, which do the work, are in plug/quantizer and the files of the other kinds.
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
const char *kind_name(kind which);  // for example "quantizer"; valid for ever
bool is_known_kind(uint32_t which);
bool parse_kind(const std::string &name, kind &out);  // false if no kind has this name

// Filled from the scan, which runs in a child process. The file itself is loaded only by load_component (plug/loader).
struct component {
  kind what = kind::quantizer;
  std::string id;
  uint32_t revision = 0;
  uint32_t flags = 0;  // ASSAY_COMPONENT_... of plugin_api/assay/base.h
  std::string summary;
  json schema = json::object();  // of the component's configuration (core/schema)
  // What the plugin declares about the component; see plugin_api/ABI.md
  json facts = json::object();
  std::string file;       // path of the plugin
  std::string file_hash;  // sha256 of the file's bytes
  std::string plugin_id, plugin_version, plugin_license;

  // Id and revision, for example "rtn@1". It is stored with each result, so that results of two revisions are not confused.
  std::string identity() const { return id + "@" + std::to_string(revision); }
  // Checks the configuration and fills in its defaults. Throws error(usage) at `where` if it is wrong.
  json complete_config(const json &config, const std::string &where) const;
};

}  // namespace assay::plug
