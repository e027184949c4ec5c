// Runs one calibration pass over the float model, and describes the channels of each input
// by a few numbers.
#include "insight/salience.hpp"

#include <algorithm>

#include "calibration/statistics_cache.hpp"

namespace assay::quant {
namespace {

constexpr int64_t k_shown_channels = 8;

json facts_of(const calibration_stop &stop) {
  const auto &s = stop.statistics;
  const auto largest = s.abs_max.to(at::kCPU), energy = s.sq_mean.to(at::kCPU, at::kDouble);
  const int64_t width = largest.numel(), top = std::max<int64_t>(1, width / 100);
  const double median = largest.median().item<double>(), most = largest.max().item<double>();
  const double whole = energy.sum().item<double>();
  const double head = std::get<0>(energy.topk(top)).sum().item<double>();
  const auto [values, places] = largest.topk(std::min(k_shown_channels, width));
  json channels = json::array();
  for (int64_t i = 0; i < values.numel(); ++i)
    channels.push_back({{"index", places[i].item<int64_t>()}, {"max", values[i].item<double>()}});
  json out = {{"block", stop.block},
              {"group", model::group_name(stop.group)},
              {"width", width},
              {"tokens", s.n_tokens},
              {"abs_max", most},
              {"median_max", median},
              {"outlier_ratio", median > 0 ? json(most / median) : json()},
              {"top_share", whole > 0 ? json(head / whole) : json()},
              {"channels", std::move(channels)}};
  if (stop.expert >= 0) out["expert"] = stop.expert, out["routed_tokens"] = stop.routed_tokens;
  return out;
}

}  // namespace

json salience(const model::decoder &model, const calibration &data, const progress_fn &progress) {
  data.require_vocabulary(model.config().vocab_size);
  calibrate_options options;
  options.needs.abs_max = options.needs.sq_mean = true;
  options.progress = progress;
  json out = json::array();
  calibrate_float(model, data, options,
                  [&](calibration_stop &stop) { out.push_back(facts_of(stop)); });
  return out;
}

}  // namespace assay::quant
