/* Emits two tensors for the role "codes". */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  const int32_t status = minimal_quantize(instance, linear, stats, sink);
  sink->emit(sink->ctx, "codes", minimal_codes(linear), 8);
  return status;
}
MINIMAL_PLUGIN("emits_twice");
