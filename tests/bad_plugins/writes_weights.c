/* Writes to the weights of the linear, which a quantizer may only read. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  ((float *)linear->weight->data)[0] += 1.0f;
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("writes_weights");
