/* Reports a failure through host->fail, but returns success. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  g_host->fail(g_host->ctx, ASSAY_NUMERICAL, "the matrix is singular");
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("denies_failure");
