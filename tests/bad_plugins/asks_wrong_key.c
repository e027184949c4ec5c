/* Asks its configuration for a key that its schema lacks, and ignores the answer. */
#define CREATE sin_create
#include "minimal.h"
static int32_t sin_create(const assay_host *host, const char *config, void **out) {
  int64_t width = 4;
  host->config_integer(host->ctx, "widht", &width);
  return minimal_create(host, config, out);
}
MINIMAL_PLUGIN("asks_wrong_key");
