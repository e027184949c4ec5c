/* Emits codes of shape [in, out] where [out, in] is expected. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)instance, (void)stats;
  return sink->emit(sink->ctx, "codes",
                    new_tensor(ASSAY_INT, 8, linear->in_features, linear->out_features), 8);
}
MINIMAL_PLUGIN("wrong_shape");
