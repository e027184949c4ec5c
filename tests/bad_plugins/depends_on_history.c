/* Its result depends on how many linears (weight matrices) it quantized before. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  static int count;
  (void)instance, (void)stats;
  assay_managed *codes = minimal_codes(linear);
  ((int8_t *)codes->tensor.data)[0] = (int8_t)(++count % 100);
  sink->emit(sink->ctx, "codes", codes, 8);
  sink->emit(sink->ctx, "scales", minimal_scales(linear, 0.01f), 0);
  return minimal_note(sink);
}
MINIMAL_PLUGIN("depends_on_history");
