/* Goes on for two seconds after the user cancelled the work; 200 ms are allowed. */
#define QUANTIZE sin_quantize
#include <unistd.h>

#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  if (g_host->cancelled(g_host->ctx)) sleep(2);
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("ignores_cancel");
