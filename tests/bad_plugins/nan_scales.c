/* Emits scales that are NaN. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)instance, (void)stats;
  volatile float zero = 0.0f;
  return sink->emit(sink->ctx, "scales", minimal_scales(linear, zero / zero), 0);
}
MINIMAL_PLUGIN("nan_scales");
