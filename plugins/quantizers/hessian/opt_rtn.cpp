// opt_rtn: round to nearest. A search chooses each scale so that the error of important columns, those
// with large inputs, is small (plugins/METHODS.md, "Scale search"). There is no error feedback.
#include <algorithm>

#include "methods.hpp"

namespace hessian {

void opt_rtn(assay_cpp::host host, const method_config &config, const assay_linear *linear,
             const assay_stats *stats, assay_cpp::sink sink) {
  const int64_t out = linear->out_features, in = linear->in_features;
  const auto &o = config.grid;
  const float *w = cpu_floats(linear->weight, "the weight");
  const float *importance = o.search == grid_search::weighted
                                ? cpu_floats(stats ? stats->sq_mean : nullptr, "mean x^2")
                                : nullptr;
  const auto grids = fit_grids(host, w, importance, out, in, o, clip_of(linear));
  std::vector<int16_t> codes(static_cast<size_t>(out * in));
  const int64_t groups = o.groups(in), size = o.group(in);
  host.parallel_for(out, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t g = 0; g < groups; ++g) {
        const auto &grid = grids[static_cast<size_t>(row * groups + g)];
        const int64_t last = row * in + std::min(in, (g + 1) * size);
        for (int64_t j = row * in + g * size; j < last; ++j)
          codes[static_cast<size_t>(j)] =
              static_cast<int16_t>(code_of(w[j], grid, o.low(), o.high()));
      }
  });
  emit_form(host, sink, codes, grids, out, in, o, "");
}

}  // namespace hessian
