// smoothquant: divides channel j by s_j = max|X_j|^alpha / max|W_j|^(1 - alpha) and multiplies the
// columns that read it by s_j. The rule and the least values (k_floor) are those of
// smoothquant/smooth.py, the authors' code. alpha is given, or it is searched for each group behind a
// norm: the alpha wins for which the output of attention or the MLP with rounded weights has the least
// error. The README says when inputs are rounded too.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "assay_json.hpp"
#include "attention.hpp"
#include "methods.hpp"
#include "parent.hpp"

namespace scaling {
namespace {

constexpr double k_floor = 1e-5;  // least max|W_j| and least s_j, as in the authors' code

// Returns max|W_j| over all consumers (the linears that read the channels) but routers, [channels].
std::vector<float> weight_ranges(const assay_group &group) {
  std::vector<float> most(static_cast<size_t>(group.channels));
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    if (!is_rounded(*group.consumers[i])) continue;
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    for (int64_t row = 0; row < w.rows; ++row)
      for (int64_t c = 0; c < w.columns; ++c)
        most[static_cast<size_t>(c)] =
            std::max(most[static_cast<size_t>(c)], std::fabs(w.row(row)[c]));
  }
  return most;
}

// Returns the scales for one alpha. x, w: max|X_j| and max|W_j|. Adds to `floored` how many scales were
// raised to k_floor.
std::vector<float> migration(const std::vector<double> &x, const std::vector<double> &w,
                             double alpha, uint64_t &floored) {
  std::vector<float> scale(x.size());
  for (size_t j = 0; j < scale.size(); ++j) {
    const double s = std::pow(x[j], alpha) / std::pow(std::max(w[j], k_floor), 1 - alpha);
    floored += s < k_floor;
    scale[j] = static_cast<float>(std::max(s, k_floor));
  }
  return scale;
}

}  // namespace

smoothquant::smoothquant(assay_cpp::host host) : host_(host) {
  const assay_cpp::config config(host);
  alpha_ = config.number("alpha");
  all_groups_ = config.text("groups") == "all";
  search_ = config.flag("search");
  heads_ = config.text("attention") == "head";
  loss_tokens_ = config.integer("loss_tokens");
}

void smoothquant::check(const char *arch_json) {
  const auto arch = assay_json::parse(arch_json);
  if (!all_groups_ && !arch.bool_or("pre_norms", true))
    throw assay_cpp::failure(ASSAY_UNSUPPORTED,
                             "the family '" + arch.string_or("family", "") +
                                 "' has no norms in front of its linears, which could take the "
                                 "scales: set groups = \"all\"");
}

void smoothquant::needs(const assay_block &, assay_needs &out) {
  out.statistics = ASSAY_NEED_ABS_MAX | (heads_ ? ASSAY_NEED_HESSIAN : 0u);
  if (!search_) return;
  out.schedule = ASSAY_SCHEDULE_BLOCK_LOSS;
  out.max_tokens = loss_tokens_;
}

std::string smoothquant::scale_group(const assay_block &block, uint32_t position) const {
  const auto &group = *block.groups[position];
  const channel_group channels(group);
  const float *range =
      assay_cpp::matrix_of<float>(group.stats ? group.stats->abs_max : nullptr, "max |x|").data;
  const auto x = channels.tied_max(range), w = channels.tied_max(weight_ranges(group).data());
  double alpha = alpha_, least = 0, identity = 0;  // identity: the loss without scaling
  const bool searched = search_ && has_parent(group);
  std::vector<float> scale;
  uint64_t floored = 0;
  if (searched) {
    parent_trial attempt(host_, block, position, channels, grid_of(block), true);
    scale.assign(x.size(), 1.0f);
    least = identity = attempt.loss(scale);
    alpha = -1;
    for (int step = 6; step <= 19; ++step) {  // 0.30, 0.35 .. 0.95
      uint64_t now_floored = 0;
      auto candidate = migration(x, w, step / 20.0, now_floored);
      const double found = attempt.loss(candidate);
      if (!(found < least)) continue;
      least = found, alpha = step / 20.0, scale = std::move(candidate), floored = now_floored;
    }
  } else {
    scale = migration(x, w, alpha, floored);
  }
  if (floored)
    host_.ledger("clamped_scale", floored,
                 std::string(group.name) + ": channels that are always zero");
  if (alpha >= 0) channels.fold(scale);
  char line[256];
  std::snprintf(line, sizeof line, "{\"group\": %s, \"alpha\": %s",
                assay_json::quoted(group.name).c_str(),
                alpha < 0 ? "null" : std::to_string(alpha).substr(0, 4).c_str());
  std::string text = line;
  if (searched) {
    std::snprintf(line, sizeof line, ", \"loss\": %.6g, \"identity_loss\": %.6g", least, identity);
    text += line;
  }
  return text + "}";
}

void smoothquant::apply(const assay_block &block, const assay_edit &edit) {
  std::string list;
  std::string keys;
  if (heads_) {
    std::string reason;
    // Keys come first, because once the input of q and k is scaled, its statistics no longer fit it.
    if (!scale_keys(block, 0.5, reason))
      host_.ledger("skipped_group", 1, std::to_string(block.index) + ".attn.q_k: " + reason);
    else
      keys = ", \"keys\": true";
  }
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    if (!group.norm && !all_groups_) continue;
    std::string reason;
    if (!channel_group::usable(group, reason)) {
      host_.ledger("skipped_group", 1, std::string(group.name) + ": " + reason);
      continue;
    }
    host_.progress(i, block.n_groups, group.name);
    list += (list.empty() ? "" : ", ") + scale_group(block, i);
  }
  assay_cpp::pass_on(edit.note(edit.ctx, ("{\"scaled\": [" + list + "]" + keys + "}").c_str()));
}

}  // namespace scaling
