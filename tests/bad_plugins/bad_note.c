/* Passes a text that is not JSON to sink->note, the function that takes the description of the format. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  const int32_t status = minimal_quantize(instance, linear, stats, sink);
  sink->note(sink->ctx, "bits: 4");
  return status;
}
MINIMAL_PLUGIN("bad_note");
