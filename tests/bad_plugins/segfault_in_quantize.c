/* Raises SIGSEGV in quantize. */
#define QUANTIZE sin_quantize
#include <signal.h>

#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  raise(SIGSEGV);
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("segfault_in_quantize");
