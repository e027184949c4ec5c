// awq_sqrt: scales channels by s = sqrt(mean|x| + epsilon). Some sources publish this rule as awq.
// awq_sqrt searches nothing and always scales, so that the rule itself can be tested.
#include <cmath>

#include "assay_json.hpp"
#include "methods.hpp"

namespace scaling {

awq_sqrt::awq_sqrt(assay_cpp::host host)
    : host_(host), epsilon_(assay_cpp::config(host).number("epsilon")) {}

void awq_sqrt::needs(const assay_block &, assay_needs &out) {
  out.statistics = ASSAY_NEED_ABS_MEAN;
}

void awq_sqrt::apply(const assay_block &block, const assay_edit &edit) {
  std::string list;
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    std::string reason;
    if (!channel_group::usable(group, reason)) {
      host_.ledger("skipped_group", 1, std::string(group.name) + ": " + reason);
      continue;
    }
    const channel_group channels(group);
    const auto x = channels.tied_mean(
        assay_cpp::matrix_of<float>(group.stats ? group.stats->abs_mean : nullptr, "mean |x|")
            .data);
    std::vector<float> scale(x.size());
    for (size_t j = 0; j < x.size(); ++j) scale[j] = static_cast<float>(std::sqrt(x[j] + epsilon_));
    channels.fold(scale);
    list += (list.empty() ? "" : ", ") + assay_json::quoted(group.name);
  }
  assay_cpp::pass_on(edit.note(edit.ctx, ("{\"scaled\": [" + list + "]}").c_str()));
}

}  // namespace scaling
