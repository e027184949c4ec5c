// awq: searches scales for channels. The candidates are s = mean|x|^r (plain) and s = mean|x|^r /
// (u^(1-r) + 1e-4) (duo) for exponents r from 0 to 1, and no scaling. Here u is the relative size of the
// weights. The candidate with the least loss wins. With the option `clip`, limits for the weights are
// then searched (clip.hpp).
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "assay_json.hpp"
#include "clip.hpp"
#include "gram.hpp"
#include "methods.hpp"
#include "parent.hpp"

namespace scaling {
namespace {

// Returns for each channel the mean of |w| / (the largest |w| of its group in the row), as AutoAWQ
// does. A group is the columns of a row that share a grid.
std::vector<double> relative_weights(const channel_group &channels, const plain_grid &grid) {
  const auto &group = channels.abi();
  std::vector<float> sums(static_cast<size_t>(group.channels));
  int64_t rows = 0;
  for (uint32_t i = 0; i < group.n_consumers; ++i) {
    if (!is_rounded(*group.consumers[i])) continue;
    const auto w = assay_cpp::matrix_of<float>(group.consumers[i]->weight, "a weight");
    const int64_t size = grid.group(w.columns);
    for (int64_t row = 0; row < w.rows; ++row)
      for (int64_t first = 0; first < w.columns; first += size) {
        const int64_t last = std::min(w.columns, first + size);
        float most = 0;
        for (int64_t c = first; c < last; ++c) most = std::max(most, std::fabs(w.row(row)[c]));
        for (int64_t c = first; c < last; ++c)
          sums[static_cast<size_t>(c)] += std::fabs(w.row(row)[c]) / (most + 1e-6f);
      }
    rows += w.rows;
  }
  for (float &sum : sums) sum /= static_cast<float>(rows);
  return channels.tied_mean(sums.data());
}

// The scales of one candidate. x: mean |x|. w: relative size of the weights, or null for plain.
std::vector<float> scale_of(const std::vector<double> &x, const std::vector<double> *w,
                            double exponent) {
  std::vector<float> scale(x.size());
  for (size_t j = 0; j < x.size(); ++j) {
    const double top = std::pow(x[j], exponent);
    scale[j] = static_cast<float>(
        std::max(w ? top / (std::pow((*w)[j], 1 - exponent) + 1e-4) : top, 1e-4));
  }
  normalise(scale);
  return scale;
}

// Returns the Hessian of the inputs after scaling: H_ij / (s_i s_j).
std::vector<float> scaled_hessian(const channel_group &channels, const std::vector<float> &scale) {
  const auto h = assay_cpp::matrix_of<float>(channels.abi().stats->hessian, "the Hessian");
  std::vector<float> out(h.data, h.data + h.size());
  for (int64_t i = 0; i < h.rows; ++i)
    for (int64_t j = 0; j < h.columns; ++j)
      out[static_cast<size_t>(i * h.columns + j)] /=
          scale[static_cast<size_t>(channels.producer_of(i))] *
          scale[static_cast<size_t>(channels.producer_of(j))];
  return out;
}

// Whether limits are searched for this linear. As in llm-awq, q and k get no limits; nor does a router.
bool is_clipped(const assay_linear &linear) {
  const std::string role = linear.role;
  return role != "attn.q" && role != "attn.k" && is_rounded(linear);
}

}  // namespace

awq::awq(assay_cpp::host host) : host_(host) {
  const assay_cpp::config config(host);
  const auto duo = config.text("duo_scaling"), clip = config.text("clip");
  steps_ = config.integer("steps");
  loss_tokens_ = config.integer("loss_tokens");
  plain_ = duo != "only";
  duo_ = duo != "off";
  parent_ = config.text("loss") == "parent";
  clip_.form = clip == "symmetric"    ? clip_form::symmetric
               : clip == "asymmetric" ? clip_form::asymmetric
                                      : clip_form::off;
}

void awq::needs(const assay_block &, assay_needs &out) {
  out.statistics = ASSAY_NEED_HESSIAN | ASSAY_NEED_ABS_MEAN;
  if (!parent_) return;
  out.schedule = ASSAY_SCHEDULE_BLOCK_LOSS;
  out.max_tokens = loss_tokens_;
}

awq::choice awq::search(const channel_group &channels, const plain_grid &grid,
                        const std::function<double(const std::vector<float> &)> &loss) const {
  const auto &group = channels.abi();
  const auto x = channels.tied_mean(
      assay_cpp::matrix_of<float>(group.stats ? group.stats->abs_mean : nullptr, "mean |x|").data);
  const auto w = relative_weights(channels, grid);
  choice best;
  best.scale.assign(x.size(), 1.0f);
  best.loss = best.identity_loss = loss(best.scale);
  for (const bool duo : {false, true}) {
    if (duo ? !duo_ : !plain_) continue;
    for (int64_t step = duo ? 0 : 1; step <= steps_; ++step) {
      const double r = static_cast<double>(step) / static_cast<double>(steps_);
      auto scale = scale_of(x, duo ? &w : nullptr, r);
      const double found = loss(scale);
      if (!(found < best.loss)) continue;  // a NaN never wins
      best.loss = found, best.exponent = r, best.scale = std::move(scale);
      best.form = duo ? "duo" : "plain";
    }
  }
  return best;
}

void awq::apply(const assay_block &block, const assay_edit &edit) {
  const auto grid = grid_of(block);
  std::string list;
  std::vector<limits> found;
  for (uint32_t i = 0; i < block.n_groups; ++i) {
    const auto &group = *block.groups[i];
    host_.progress(i, block.n_groups, group.name);
    std::string reason;
    if (!channel_group::usable(group, reason)) {
      host_.ledger("skipped_group", 1, std::string(group.name) + ": " + reason);
      continue;
    }
    const channel_group channels(group);
    const bool behind = parent_ && has_parent(group);
    choice best;
    if (behind) {
      parent_trial attempt(host_, block, i, channels, grid, false);
      best = search(channels, grid, [&](const auto &scale) { return attempt.loss(scale); });
    } else {
      gram_trial attempt(host_, channels, grid);
      best = search(channels, grid, [&](const auto &scale) { return attempt.loss(scale); });
    }
    if (best.loss < best.identity_loss) channels.fold(best.scale);
    if (clip_.form != clip_form::off)
      found.push_back({&group, scaled_hessian(channels, best.scale)});
    char line[320];
    std::snprintf(line, sizeof line,
                  "%s{\"group\": %s, \"form\": \"%s\", \"exponent\": %.4g, \"loss\": %.6g, "
                  "\"identity_loss\": %.6g, \"behind\": \"%s\"}",
                  list.empty() ? "" : ", ", assay_json::quoted(group.name).c_str(), best.form,
                  best.exponent, best.loss, best.identity_loss, behind ? "parent" : "linears");
    list += line;
  }
  // v and up are scaled twice: their columns with the group that they read, their rows with o or down.
  // So limits are searched after all groups are scaled.
  std::string clips;
  for (const auto &one : found) clip(one, grid, edit, clips);
  assay_cpp::pass_on(
      edit.note(edit.ctx, ("{\"groups\": [" + list + "], \"clips\": [" + clips + "]}").c_str()));
}

void awq::clip(const limits &of, const plain_grid &grid, const assay_edit &edit,
               std::string &clips) const {
  for (uint32_t i = 0; i < of.group->n_consumers; ++i) {
    const assay_linear &linear = *of.group->consumers[i];
    if (!is_clipped(linear)) continue;
    auto limit = search_clip(host_, linear, of.hessian, grid, clip_);
    if (limit.clipped)
      host_.ledger("clipped_range", limit.clipped,
                   std::string(linear.name) + ": groups whose grid covers less than their range");
    int64_t shape[2] = {linear.out_features, limit.groups}, strides[2] = {limit.groups, 1};
    const auto view = [&](std::vector<float> &values) {
      return assay_tensor{values.data(), {ASSAY_CPU, 0}, 2, assay_cpp::dtype_of<float>(),
                          shape,         strides,        0};
    };
    const assay_tensor low = view(limit.low), high = view(limit.high);
    assay_cpp::pass_on(
        edit.set_clip(edit.ctx, linear.name, &low, &high, grid.group(linear.in_features)));
    char line[256];
    std::snprintf(line, sizeof line, "%s{\"layer\": %s, \"loss\": %.6g, \"identity_loss\": %.6g}",
                  clips.empty() ? "" : ", ", assay_json::quoted(linear.name).c_str(), limit.loss,
                  limit.identity_loss);
    clips += line;
  }
}

}  // namespace scaling
