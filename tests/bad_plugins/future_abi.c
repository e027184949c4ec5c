/* Built for the next major version. */
#define ENTRY assay_plugin_v2
#include "minimal.h"
ASSAY_EXPORT const assay_plugin *assay_plugin_v2(const assay_host *host);
MINIMAL_PLUGIN("future_abi");
