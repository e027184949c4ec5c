/* Changes the floating-point rounding mode and does not restore it. */
#define QUANTIZE sin_quantize
#include <fenv.h>

#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  fesetround(FE_TOWARDZERO);
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("changes_rounding");
