// The transform "bias_correction": adds (W - Q) E[x] to the bias of each quantized linear, where Q is
// the dequantized weight and x the input. Then the mean error of each output is zero on the
// calibration data (Nagel et al., arXiv 1906.04721, 4.2, the empirical form). It runs after the
// quantizer and leaves the codes as they are.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "assay.hpp"
#include "assay_json.hpp"

namespace {

using assay_cpp::matrix_of;

class bias_correction {
 public:
  explicit bias_correction(assay_cpp::host host) : host_(host) {}

  // No format of experts has biases, and one mean for gate and up of all experts would be wrong for each of them.
  void check(const char *arch_json) {
    const auto arch = assay_json::parse(arch_json);
    if (arch.number_or("experts", 0) > 0)
      throw assay_cpp::failure(ASSAY_UNSUPPORTED, "the family '" + arch.string_or("family", "") +
                                                      "' has experts, which have no biases");
  }

  void needs(const assay_block &, assay_needs &out) {
    out.statistics = ASSAY_NEED_MEAN;
    out.schedule = ASSAY_SCHEDULE_AFTER;
  }

  void apply(const assay_block &block, const assay_edit &edit) {
    std::string list;
    for (uint32_t i = 0; i < block.n_linears; ++i) {
      const assay_linear &linear = *block.linears[i];
      const assay_stats *stats = stats_of(block, linear);
      if (!linear.start || !stats || !stats->mean) {
        host_.ledger(
            "skipped_linear", 1,
            std::string(linear.name) + (linear.start ? ": no mean of its input" : ": in float"));
        continue;
      }
      list += (list.empty() ? "" : ", ") + correct(linear, *stats, edit);
    }
    assay_cpp::pass_on(edit.note(edit.ctx, ("{\"corrected\": [" + list + "]}").c_str()));
  }

 private:
  // Returns the statistics of the input of a linear, or null.
  static const assay_stats *stats_of(const assay_block &block, const assay_linear &linear) {
    for (uint32_t i = 0; i < block.n_groups; ++i)
      for (uint32_t j = 0; j < block.groups[i]->n_consumers; ++j)
        if (block.groups[i]->consumers[j] == &linear) return block.groups[i]->stats;
    return nullptr;
  }

  // Sets the new bias of the linear. Returns JSON for the report: the name of the linear and the
  // root mean square of the change.
  std::string correct(const assay_linear &linear, const assay_stats &stats,
                      const assay_edit &edit) {
    const auto w = matrix_of<float>(linear.weight, "the weight"),
               q = matrix_of<float>(assay_cpp::find(*linear.start, "weight"),
                                    "the quantized weight"),
               x = matrix_of<float>(stats.mean, "mean x");
    std::vector<float> bias(static_cast<size_t>(w.rows));
    double squares = 0;
    for (int64_t row = 0; row < w.rows; ++row) {
      double shift = 0;
      for (int64_t c = 0; c < w.columns; ++c)
        shift += (static_cast<double>(w.row(row)[c]) - static_cast<double>(q.row(row)[c])) *
                 static_cast<double>(x.data[c]);
      const double before =
          linear.bias ? static_cast<double>(matrix_of<float>(linear.bias, "the bias").data[row])
                      : 0.0;
      bias[static_cast<size_t>(row)] = static_cast<float>(before + shift);
      squares += shift * shift;
    }
    int64_t shape[1] = {w.rows}, strides[1] = {1};
    const assay_tensor view{bias.data(), {ASSAY_CPU, 0}, 1, assay_cpp::dtype_of<float>(),
                            shape,       strides,        0};
    assay_cpp::pass_on(edit.set_bias(edit.ctx, linear.name, &view));
    char number[64];
    std::snprintf(number, sizeof number, ", \"rms_shift\": %.6g}",
                  std::sqrt(squares / static_cast<double>(w.rows)));
    return "{\"layer\": " + assay_json::quoted(linear.name) + number;
  }

  assay_cpp::host host_;
};

const assay_transform_vtable k_table = assay_cpp::transform_table<bias_correction>();

const auto k_component = assay_cpp::component(
    "bias_correction", "gives quantized linears the bias that takes their mean error away",
    R"({"type": "object", "additionalProperties": false, "properties": {}})", k_table,
    R"({"by_block": true, "cite": "arXiv 1906.04721"})");
const assay_component *const k_components[] = {&k_component};

const auto k_plugin =
    assay_cpp::plugin("org.assay.bias_correction", "1.0.0",
                      "correction of biases after quantization", "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
