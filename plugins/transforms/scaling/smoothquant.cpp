// smoothquant: s_j = max|X_j|^alpha / max|W_j|^(1 - alpha), folded (smoothquant/smooth.py's rule and floors).
// Nothing is searched.
#include <algorithm>
#include <cmath>

#include "assay_json.hpp"
#include "channels.hpp"
#include "methods.hpp"

namespace scaling {
namespace {

constexpr double k_floor = 1e-5;  // of weight ranges and of scales, as in the reference

std::vector<float> weight_ranges(const assay_group &group) {
  std::vector<float> most(static_cast<size_t>(group.channels));
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    for (int64_t row = 0; row < w.rows; ++row)
      for (int64_t c = 0; c < w.columns; ++c)
        most[static_cast<size_t>(c)] =
            std::max(most[static_cast<size_t>(c)], std::fabs(w.row(row)[c]));
  }
  return most;
}

}  // namespace

smoothquant::smoothquant(assay_cpp::host host, const char *config_json) : host_(host) {
  const auto config = assay_json::parse(config_json);
  alpha_ = config.number_or("alpha", 0.8);
  all_groups_ = config.string_or("groups", "norm") == "all";
}

void smoothquant::needs(const assay_block &, assay_needs &out) {
  out.statistics = ASSAY_NEED_ABS_MAX;
}

void smoothquant::apply(const assay_block &block, const assay_edit &edit) {
  std::string list;
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    if (!group.norm && !all_groups_) continue;
    std::string reason;
    if (!channel_group::usable(group, reason)) {
      host_.ledger("skipped_group", 1, std::string(group.name) + ": " + reason);
      continue;
    }
    const channel_group channels(group);
    const float *range =
        assay_cpp::matrix_of<float>(group.stats ? group.stats->abs_max : nullptr, "max |x|").data;
    const auto x = channels.tied_max(range), w = channels.tied_max(weight_ranges(group).data());
    std::vector<float> scale(x.size());
    uint64_t floored = 0;
    for (size_t j = 0; j < scale.size(); ++j) {
      const double s = std::pow(x[j], alpha_) / std::pow(std::max(w[j], k_floor), 1 - alpha_);
      floored += s < k_floor;
      scale[j] = static_cast<float>(std::max(s, k_floor));
    }
    if (floored)
      host_.ledger("clamped_scale", floored,
                   std::string(group.name) + ": channels that are always zero");
    channels.fold(scale);
    list += (list.empty() ? "" : ", ") + assay_json::quoted(group.name);
  }
  assay_cpp::pass_on(edit.note(edit.ctx, ("{\"scaled\": [" + list + "]}").c_str()));
}

}  // namespace scaling
