// Installs what plugins may ask of the host beyond the plain host table, and makes the options
// of their instances.
#pragma once

#include "core/ledger.hpp"
#include "plug/instance.hpp"

namespace assay::quant {

// Installs device memory, assay.linalg/1 with the product of kernels/matmul.hpp, and assay.block/1.
// Call it once at start, before any plugin is called.
void install_plugin_services();

// Options of an instance whose events become incidents; incidents: borrow, must
// outlive the instance.
plug::instance_options plugin_options(uint64_t seed, ledger &incidents);

}  // namespace assay::quant
