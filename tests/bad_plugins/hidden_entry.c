/* Does not export its entry function: the symbol has another name and is hidden. */
#include "minimal.h"
#undef ASSAY_EXPORT
#define ASSAY_EXPORT __attribute__((visibility("hidden")))
#define assay_plugin_v1 some_other_name
ASSAY_EXPORT const assay_plugin *assay_plugin_v1(const assay_host *host);
MINIMAL_PLUGIN("hidden_entry");
