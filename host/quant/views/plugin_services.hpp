// What plugins may ask of this laboratory beyond the plain host table.
#pragma once

namespace assay::quant {

// Device memory, assay.linalg/1 with the model layer's product, assay.block/1. Once, at start, before
// any plugin is asked for something.
void install_plugin_services();

}  // namespace assay::quant
