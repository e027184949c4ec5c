// The gate: the one place that looks at struct_size. Each foreign struct is copied into a zeroed
// one of our own size, so that what an older plugin does not have reads as zero; required members
// are checked. Not the loading of the file (plug/loader).
#pragma once

#include <assay.h>

#include <cstring>
#include <string>
#include <vector>

namespace assay::plug {

// Our own copy of a vtable; which member counts is the component's kind.
union any_vtable {
  assay_quantizer_vtable quantizer;
  assay_transform_vtable transform;
  assay_dataset_vtable dataset;
  assay_metric_vtable metric;
  assay_exporter_vtable exporter;
};

struct gated_component {
  assay_component facts;  // strings are the plugin's, static
  any_vtable vtable;
};

struct gated_plugin {
  assay_plugin facts;  // `components` is not to be used: see below
  std::vector<gated_component> components;
  std::vector<std::string> unsupported;  // "component 'x': kind 9 is unknown to this host"
};

// Throws error(plugin) at `file` for anything that breaks the contract of base.h.
gated_plugin admit(const assay_plugin *foreign, const std::string &file);

}  // namespace assay::plug
