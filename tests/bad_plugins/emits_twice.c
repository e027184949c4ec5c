/* Emits one role twice. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_layer *layer, const assay_stats *stats,
                            const assay_sink *sink) {
  const int32_t status = minimal_quantize(instance, layer, stats, sink);
  sink->emit(sink->ctx, "codes", minimal_codes(layer), 8);
  return status;
}
MINIMAL_PLUGIN("emits_twice");
