// The gate: checks the structs that describe a plugin, and copies them into structs of this host's size. A plugin built with an
// older header has shorter structs; the members that it lacks are zero in the copy. So no other file looks at struct_size.
// The file itself is loaded by plug/loader.
#pragma once

#include <assay.h>

#include <cstring>
#include <string>
#include <vector>

namespace assay::plug {

// The host's copy of a plugin's table of functions (vtable). The kind of the component says which member is valid.
union any_vtable {
  assay_quantizer_vtable quantizer;
  assay_transform_vtable transform;
  assay_dataset_vtable dataset;
  assay_metric_vtable metric;
  assay_exporter_vtable exporter;
};

struct gated_component {
  assay_component facts;  // its strings belong to the plugin and stay valid while it is loaded
  any_vtable vtable;
};

struct gated_plugin {
  // Do not use the member `components` of this struct, which is not checked; use the list below
  assay_plugin facts;
  std::vector<gated_component> components;
  std::vector<std::string> unsupported;  // "component 'x': kind 9 is unknown to this host"
};

// Checks and copies what the entry function of a plugin returned. Throws error(plugin) at `file` if the plugin breaks
// the contract of plugin_api/assay/base.h. A component of an unknown kind is not an error: it goes to `unsupported`.
gated_plugin admit(const assay_plugin *foreign, const std::string &file);

}  // namespace assay::plug
