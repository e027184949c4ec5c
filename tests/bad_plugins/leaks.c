/* Asks the host for an extra tensor for each linear (weight matrix) and never gives it back. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)new_tensor(ASSAY_FLOAT, 32, 4, 4);
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("leaks");
