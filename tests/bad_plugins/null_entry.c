/* Refuses to be a plugin here, with a reason. */
#define ENTRY_BODY                                                                    \
  return host->fail(host->ctx, ASSAY_UNSUPPORTED, "this machine has no frobnicator"), \
         (const assay_plugin *)0
#include "minimal.h"
MINIMAL_PLUGIN("null_entry");
