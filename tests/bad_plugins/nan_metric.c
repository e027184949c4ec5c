/* A metric whose score for the second sample is NaN. */
#define KIND ASSAY_KIND_METRIC
#define VTABLE &k_metric
#include <math.h>

#include "minimal.h"
static int32_t declare(void *instance, const char **out_json) {
  (void)instance;
  *out_json =
      "{\"numbers\": [{\"name\": \"joy\", \"unit\": \"fraction\", \"direction\": \"higher\","
      " \"kind\": \"mean\"}]}";
  return ASSAY_OK;
}
static int32_t begin(void *instance, const char *info) {
  (void)instance, (void)info;
  return ASSAY_OK;
}
static int32_t update(void *instance, const assay_sample *const *samples, int64_t n) {
  (void)instance, (void)samples, (void)n;
  return ASSAY_OK;
}
static int32_t finish(void *instance, const assay_metric_sink *sink) {
  (void)instance;
  const double scores[2] = {1.0, (double)NAN};
  return sink->number(sink->ctx, "joy", 1.0, 2, scores, NULL);
}
static const assay_metric_vtable k_metric = {.struct_size = sizeof(assay_metric_vtable),
                                             .create = minimal_create,
                                             .destroy = minimal_destroy,
                                             .declare = declare,
                                             .begin = begin,
                                             .update = update,
                                             .finish = finish};
MINIMAL_PLUGIN("nan_metric");
