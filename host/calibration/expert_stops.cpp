// Chooses the tokens of an expert, and gathers its inputs from a stream.
#include "calibration/expert_stops.hpp"

#include <cmath>

namespace assay::quant {

using model::linear_group;
using model::linear_input;

std::vector<model::linear_op *> readers(model::decoder_block &block, linear_input input) {
  std::vector<model::linear_op *> found;
  for (auto *linear : block.linears())
    if (linear->input() == input) found.push_back(linear);
  return found;
}

namespace {

// Statistics in which all columns count alike. The raw inputs that they stand for are the rows of a multiple of the identity matrix.
input_statistics plain_statistics(int64_t width, const statistics_needs &needs, at::Device device) {
  auto out = input_statistics::uniform(width, width, device);
  if (needs.raw_input)
    out.raw = {at::eye(width, at::TensorOptions().dtype(at::kFloat).device(device))
                   .mul_(std::sqrt(static_cast<double>(width)))};
  return out;
}

}  // namespace

expert_stops::expert_stops(model::decoder_block &block, const model::decoder_block *block_float,
                           const calibrate_options &options, at::Device device)
    : block_(block),
      block_float_(block_float),
      options_(options),
      device_(device),
      counts_(block.moe.experts.size(), 0) {}

void expert_stops::count(const calibration_stream &stream) {
  if (stream.first_token) return;
  for (size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += places(stream, static_cast<int64_t>(i), false).numel();
}

stop_sums expert_stops::sums_of(linear_input input) const {
  const auto &expert = block_.moe.experts[static_cast<size_t>(input.expert)];
  const bool wanted = !options_.wanted || options_.wanted(block_.index, input);
  return {input.group == linear_group::down ? expert.down : expert.gate,
          wanted ? options_.needs : statistics_needs{}, wanted && options_.first_token, device_};
}

bool expert_stops::starved(linear_input input) const {
  const auto &expert = block_.moe.experts[static_cast<size_t>(input.expert)];
  const auto &linear = input.group == linear_group::down ? expert.down : expert.gate;
  return counts_[static_cast<size_t>(input.expert)] < linear.in_features();
}

bool expert_stops::borrows(linear_input input) const {
  return options_.experts == expert_policy::route_all ||
         (options_.experts == expert_policy::borrow && starved(input));
}

// Returns the places of an expert's counted tokens in the stream, or of all counted tokens, [n] int64; undefined = every token.
at::Tensor expert_stops::places(const calibration_stream &stream, int64_t expert, bool all) const {
  if (all) return stream.counted;
  const at::Tensor &mine = stream.routed->at(static_cast<size_t>(expert)).places;
  if (!stream.counted.defined()) return mine;
  auto flags = at::zeros({stream.h.size(0) * stream.h.size(1)},
                         at::TensorOptions().dtype(at::kBool).device(mine.device()));
  flags.index_fill_(0, stream.counted, true);
  return mine.masked_select(flags.index_select(0, mine));
}

at::Tensor expert_stops::rows(const at::Tensor &x, const at::Tensor &places, linear_input input,
                              const model::decoder_block &block) const {
  if (!x.defined()) return x;
  const auto flat = x.reshape({-1, x.size(-1)});
  const auto mine = places.defined() ? flat.index_select(0, places) : flat;
  if (input.group != linear_group::down) return mine;
  const auto expert = static_cast<size_t>(input.expert);
  return mine.size(0) > 0 ? block.moe.hidden(expert, mine)
                          : mine.new_empty({0, block.moe.experts[expert].down.in_features()});
}

void expert_stops::add(const calibration_stream &stream, linear_input input,
                       stop_sums &sums) const {
  if (!sums.any()) return;
  const auto where = places(stream, input.expert, borrows(input));
  const auto x = rows(stream.input, where, input, block_);
  const auto x_float = stream.input_float.defined()
                           ? rows(stream.input_float, where, input, *block_float_)
                           : at::Tensor();
  sums.add(x, x_float, stream.first_token);
}

calibration_stop expert_stops::finish(linear_input input, stop_sums &sums) const {
  const bool any = sums.any();
  auto stop = sums.finish(block_.index, input, readers(block_, input));
  stop.routed_tokens = counts_[static_cast<size_t>(input.expert)];
  if (!any || !starved(input)) return stop;
  const auto *linear = stop.linears.front();
  if (options_.experts == expert_policy::plain) {
    stop.statistics = plain_statistics(linear->in_features(), options_.needs, device_);
    stop.first_token = {};
    stop.uniform = true;
  }
  if (options_.starved)
    options_.starved({block_.index, input, linear->name, stop.routed_tokens, linear->in_features(),
                      options_.experts});
  return stop;
}

}  // namespace assay::quant
