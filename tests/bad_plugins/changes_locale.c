/* Changes the locale of the whole process. C.UTF-8 keeps the decimal point, but with another
 * locale 0.5 could print as 0,5. */
#define QUANTIZE sin_quantize
#include <locale.h>

#include "minimal.h"
static int32_t sin_quantize(void *instance, const assay_linear *linear, const assay_stats *stats,
                            const assay_sink *sink) {
  setlocale(LC_ALL, "C.UTF-8");
  return minimal_quantize(instance, linear, stats, sink);
}
MINIMAL_PLUGIN("changes_locale");
