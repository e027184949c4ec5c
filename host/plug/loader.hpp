// Loads a plugin into this process, where it stays: libraries are never unloaded.
// plug/registry finds the files, and plug/scan first tries them out in another process.
#pragma once

#include <string>

#include "plug/component.hpp"
#include "plug/gate.hpp"

namespace assay::plug {

// Checks the file without running its code, opens it with dlopen(RTLD_NOW | RTLD_LOCAL), calls its entry function and passes the
// answer through the gate (plug/gate). A second call with the same file returns the same reference, which is valid until the
// process ends. Throws error(plugin) at `path`, or error(failed) if the file cannot be read.
const gated_plugin &load_plugin(const std::string &path);

// The checked table of functions of a component that the scan found. Loads its file if that was not done yet. The reference is
// valid until the process ends. Throws error(plugin) if the file no longer has the component.
const gated_component &load_component(const component &what);

// Calls the entry function of a plugin once more (after loading it if necessary), and returns its unchecked answer. Only the
// conformance suite (`assay check`) uses it.
const assay_plugin *ask_entry_again(const std::string &path, const assay_host *host);

}  // namespace assay::plug
