/* Emits codes (integer weights) with gaps between the rows in memory; the host takes only contiguous tensors. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)instance, (void)stats;
  assay_managed *codes = new_tensor(ASSAY_INT, 8, linear->out_features, 2 * linear->in_features);
  codes->tensor.shape[1] = linear->in_features;
  return sink->emit(sink->ctx, "codes", codes, 8);
}
MINIMAL_PLUGIN("bad_strides");
