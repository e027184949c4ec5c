// Installs the host's extensions and device memory for plugins, and makes the
// options of plugin instances.
#pragma once

#include "core/ledger.hpp"
#include "plug/instance.hpp"

namespace assay::quant {

// Installs device memory, assay.linalg/1 with the product of kernels/matmul.hpp, and assay.block/1.
// Call it once at start, before any plugin is called.
void install_plugin_services();

// Options of an instance whose ledger events are added to `incidents`, which is borrowed and must
// outlive the instance.
plug::instance_options plugin_options(uint64_t seed, ledger &incidents);

}  // namespace assay::quant
