/* Its note names the format int/1, which needs scales, but it emits no scales. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)instance, (void)stats;
  sink->emit(sink->ctx, "codes", minimal_codes(linear), 8);
  return minimal_note(sink);
}
MINIMAL_PLUGIN("no_scales");
