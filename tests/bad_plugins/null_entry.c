/* Its entry gives a reason why the plugin cannot work on this machine, and returns NULL. */
#define ENTRY_BODY                                                                       \
  return host->fail(host->ctx, ASSAY_UNSUPPORTED, "this machine has no such processor"), \
         (const assay_plugin *)0
#include "minimal.h"
MINIMAL_PLUGIN("null_entry");
