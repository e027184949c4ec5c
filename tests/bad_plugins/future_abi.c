/* A plugin for the next major version of the ABI: its entry is named assay_plugin_v2. */
#define ENTRY assay_plugin_v2
#include "minimal.h"
ASSAY_EXPORT const assay_plugin *assay_plugin_v2(const assay_host *host);
MINIMAL_PLUGIN("future_abi");
