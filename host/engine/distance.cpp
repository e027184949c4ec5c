// Compares the logits of two models, one tile (some positions of a window) at a time.
#include "engine/distance.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "checkpoint/safetensors.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {
namespace {

// Elements of one model's logits in a tile: 8 MiB of fp32, so that the tile stays in the
// processor's caches while several operations read it.
constexpr int64_t k_tile_logits = 1 << 21;
constexpr int64_t k_top = 5;

int64_t count_windows(const model::decoder &decoder, const std::vector<int64_t> &ids,
                      const distance_options &options) {
  if (options.window < 2 || options.window > decoder.config().max_positions)
    throw error(error_kind::usage, "a window must have 2 to " +
                                       std::to_string(decoder.config().max_positions) +
                                       " tokens, not " + std::to_string(options.window));
  const auto n = static_cast<int64_t>(ids.size()) / options.window;
  if (n == 0)
    throw error(error_kind::usage, "the text has " + std::to_string(ids.size()) +
                                       " tokens, fewer than one window of " +
                                       std::to_string(options.window))
        .hint("Give more text or a smaller window");
  if (options.context < 1 || options.context >= options.window)
    throw error(error_kind::usage, "'context' must be 1 to " + std::to_string(options.window - 1) +
                                       " tokens, fewer than a window");
  check_ids(decoder, ids);
  return options.limit > 0 ? std::min(n, options.limit) : n;
}

std::string states_file(const std::string &folder, int64_t window) {
  return folder + "/window-" + std::to_string(window) + ".safetensors";
}

// Returns the ids of window number w, int64 [1, window].
at::Tensor window_ids(const std::vector<int64_t> &ids, int64_t w, int64_t window) {
  const at::ArrayRef<int64_t> part(ids.data() + w * window, static_cast<size_t>(window));
  return at::tensor(part, at::kLong).unsqueeze(0);
}

// Returns the hidden states that predict the window's scored tokens, [window - context, hidden]. The
// state at position i predicts token i + 1, so the returned states begin at position context - 1.
at::Tensor predicting_states(const model::decoder &decoder, const at::Tensor &ids,
                             int64_t context) {
  return decoder.hidden(ids).select(0, 0).narrow(0, context - 1, ids.size(1) - context);
}

at::Tensor kept_states(const model::decoder &reference, const std::string &path, int64_t n) {
  at::Tensor states = model::open_safetensors_file(path)->tensor("states").to(reference.device());
  if (states.dim() != 2 || states.size(0) != n ||
      states.size(1) != reference.config().hidden_size || states.scalar_type() != reference.dtype())
    throw error(error_kind::failed, "the kept states belong to another model or window").at(path);
  return states;
}

void append(std::vector<float> &out, const at::Tensor &values) {
  const at::Tensor plain = values.to(at::kCPU, at::kFloat).contiguous();
  const float *begin = plain.const_data_ptr<float>();
  out.insert(out.end(), begin, begin + plain.numel());
}

// Returns [n]: for each row, the share of the reference's five likeliest tokens that are also among
// the five likeliest tokens of the own model.
at::Tensor shared_top(const at::Tensor &reference, const at::Tensor &own) {
  const auto first = std::get<1>(reference.topk(k_top, 1));  // [n, 5]
  const auto second = std::get<1>(own.topk(k_top, 1));
  return first.unsqueeze(2).eq(second.unsqueeze(1)).any(2).to(at::kFloat).mean(1);
}

// Appends the values of n positions to `out`. reference, own: logits, fp32 [n, vocab]; target: the
// right tokens, int64 [n].
void read_tile(const at::Tensor &reference, const at::Tensor &own, const at::Tensor &target,
               window_distance &out) {
  const at::Tensor p = at::log_softmax(reference, 1),
                   q = at::log_softmax(own, 1);  // log-probabilities, [n, vocab]
  const at::Tensor wanted = target.unsqueeze(1);
  const at::Tensor p_right = p.gather(1, wanted).squeeze(1),
                   q_right = q.gather(1, wanted).squeeze(1);
  const auto [p_top, p_place] = p.max(1);
  append(out.same_top, p_place.eq(q.argmax(1)));
  append(out.top5_shared, shared_top(p, q));
  append(out.reference_nll, -p_right);
  append(out.own_nll, -q_right);
  append(out.delta_p, q_right.exp() - p_right.exp());
  append(out.reference_top, p_top.exp());
  // A divergence is never negative, but rounding can give -1e-9 for equal distributions.
  append(out.kld, (p.exp() * (p - q)).sum(1).clamp_min(0));
}

window_distance compare(const model::decoder &reference, const at::Tensor &reference_states,
                        const model::decoder &own, const at::Tensor &own_states,
                        const at::Tensor &targets) {
  window_distance out;
  const int64_t n = targets.size(0);
  const int64_t rows = std::max<int64_t>(1, k_tile_logits / own.config().vocab_size);
  for (int64_t begin = 0; begin < n; begin += rows) {
    throw_if_cancelled();
    const int64_t size = std::min(rows, n - begin);
    const at::Tensor q = own.logits(own_states.narrow(0, begin, size));
    const at::Tensor p = reference.logits(reference_states.narrow(0, begin, size)).to(q.device());
    read_tile(p, q, targets.narrow(0, begin, size).to(q.device()), out);
  }
  return out;
}

}  // namespace

int64_t keep_states(const model::decoder &reference, const std::vector<int64_t> &ids,
                    const std::string &folder, const distance_options &options) {
  const at::NoGradGuard no_grad;
  const int64_t n_windows = count_windows(reference, ids, options);
  for (int64_t w = 0; w < n_windows; ++w) {
    throw_if_cancelled();
    report_progress(options.progress, static_cast<uint64_t>(w), static_cast<uint64_t>(n_windows),
                    "window");
    const at::Tensor states =
        predicting_states(reference, window_ids(ids, w, options.window), options.context);
    model::write_safetensors(states_file(folder, w), {{"states", states}});
  }
  return n_windows;
}

std::vector<window_distance> distance(const model::decoder &reference, const model::decoder &own,
                                      const std::vector<int64_t> &ids,
                                      const distance_options &options) {
  const at::NoGradGuard no_grad;
  if (reference.config().vocab_size != own.config().vocab_size)
    throw error(error_kind::usage,
                "distributions over " + std::to_string(reference.config().vocab_size) + " and " +
                    std::to_string(own.config().vocab_size) + " tokens cannot be compared");
  const int64_t n_windows = count_windows(own, ids, options);
  std::vector<window_distance> out;
  for (int64_t w = 0; w < n_windows; ++w) {
    throw_if_cancelled();
    report_progress(options.progress, static_cast<uint64_t>(w), static_cast<uint64_t>(n_windows),
                    "window");
    const at::Tensor tokens = window_ids(ids, w, options.window);
    const int64_t n = options.window - options.context;
    const at::Tensor theirs = options.states.empty()
                                  ? predicting_states(reference, tokens, options.context)
                                  : kept_states(reference, states_file(options.states, w), n);
    out.push_back(compare(reference, theirs, own, predicting_states(own, tokens, options.context),
                          tokens.select(0, 0).narrow(0, options.context, n)));
  }
  return out;
}

}  // namespace assay::engine
