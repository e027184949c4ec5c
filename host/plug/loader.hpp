// Loads a plugin into this process, for good: libraries are never unloaded.
// Finding files is plug/registry's, trying them out first is plug/scan's.
#pragma once

#include <string>

#include "plug/component.hpp"
#include "plug/gate.hpp"

namespace assay::plug {

// Static checks of the file, dlopen(RTLD_NOW | RTLD_LOCAL), entry, gate. Static reference; the
// second call with the same file returns the first one's. Throws error(plugin) at `path`.
const gated_plugin &load_plugin(const std::string &path);

// The gated vtable of a component that the scan found; loads its file if need be. Static.
const gated_component &load_component(const component &what);

// Calls the entry of a loaded plugin once more, ungated: for the conformance suite only.
const assay_plugin *ask_entry_again(const std::string &path, const assay_host *host);

}  // namespace assay::plug
