/* Its function create returns success, but sets no instance. */
#define CREATE sin_create
#include "minimal.h"
static int32_t sin_create(const assay_host *host, const char *config, void **out) {
  (void)host, (void)config, (void)out, (void)minimal_create;
  return ASSAY_OK;
}
MINIMAL_PLUGIN("no_instance");
