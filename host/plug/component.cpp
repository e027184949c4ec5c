// Names of kinds of components, and the check of a component's configuration against its schema.
#include "plug/component.hpp"

namespace assay::plug {

const char *kind_name(kind which) {
  switch (which) {
    case kind::quantizer:
      return "quantizer";
    case kind::transform:
      return "transform";
    case kind::dataset:
      return "dataset";
    case kind::metric:
      return "metric";
    case kind::exporter:
      return "exporter";
  }
  return "unknown";
}

bool is_known_kind(uint32_t which) {
  for (const kind known : k_kinds)
    if (static_cast<uint32_t>(known) == which) return true;
  return false;
}

bool parse_kind(const std::string &name, kind &out) {
  for (const kind known : k_kinds) {
    if (name != kind_name(known)) continue;
    out = known;
    return true;
  }
  return false;
}

json component::complete_config(const json &config, const std::string &where) const {
  return assay::schema(schema, file).complete(config, where);
}

}  // namespace assay::plug
