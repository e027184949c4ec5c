/* Says that its codes have 3 bits, but emits the code 9, which needs 4 bits. The host would count too small a size. */
#define QUANTIZE sin_quantize
#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  (void)instance, (void)stats;
  assay_managed *codes = new_tensor(ASSAY_UINT, 8, linear->out_features, linear->in_features);
  memset(codes->tensor.data, 9, (size_t)(linear->out_features * linear->in_features));
  return sink->emit(sink->ctx, "codes", codes, 3);
}
MINIMAL_PLUGIN("wide_codes");
