// Computes perplexity: runs one window after another through the decoder and then the head.
#include "engine/perplexity.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/head.hpp"
#include "model/token_ids.hpp"

namespace assay::engine {
namespace {

void check_window(const model::decoder &decoder, int64_t n_ids, int64_t window) {
  if (window < 2) throw error(error_kind::usage, "a perplexity window needs at least 2 tokens");
  if (window > decoder.config().max_positions)
    throw error(error_kind::usage,
                "a window of " + std::to_string(window) + " tokens is longer than the model's " +
                    std::to_string(decoder.config().max_positions) + " positions");
  if (n_ids < window)
    throw error(error_kind::usage, "the text has " + std::to_string(n_ids) +
                                       " tokens, fewer than one window of " +
                                       std::to_string(window))
        .hint("Give more text or a smaller window");
}

}  // namespace

at::Tensor target_nll(const model::decoder &decoder, const at::Tensor &hidden,
                      const at::Tensor &targets, at::Tensor *greedy) {
  const at::NoGradGuard no_grad;
  const int64_t n = hidden.size(0);
  const at::Tensor wanted = targets.to(at::kCPU).contiguous();
  std::vector<head_target> list;
  for (int64_t i = 0; i < n; ++i) list.push_back({i, wanted.const_data_ptr<int64_t>()[i]});
  at::Tensor nll = at::empty({n}, at::kFloat);
  if (greedy != nullptr) *greedy = at::empty({n}, at::kBool);
  const std::vector<head_reading> read = read_targets(decoder, hidden, list);
  for (int64_t i = 0; i < n; ++i) {
    nll.mutable_data_ptr<float>()[i] = -read[static_cast<size_t>(i)].logprob;
    if (greedy != nullptr)
      greedy->mutable_data_ptr<bool>()[i] = read[static_cast<size_t>(i)].greedy;
  }
  return nll;
}

perplexity_result perplexity(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             const perplexity_options &options) {
  const int64_t window = options.window;
  check_window(decoder, static_cast<int64_t>(ids.size()), window);
  check_ids(decoder, ids);
  int64_t n_windows = static_cast<int64_t>(ids.size()) / window;
  if (options.limit > 0) n_windows = std::min(n_windows, options.limit);
  perplexity_result out;
  const at::Tensor all = at::tensor(at::ArrayRef<int64_t>(ids), at::kLong);
  double total = 0;
  for (int64_t w = 0; w < n_windows; ++w) {
    throw_if_cancelled();
    report_progress(options.progress, static_cast<uint64_t>(w), static_cast<uint64_t>(n_windows),
                    "window");
    const at::Tensor tokens = all.narrow(0, w * window, window);
    const at::Tensor hidden = decoder.hidden(tokens.unsqueeze(0)).select(0, 0);
    const at::Tensor nll =
        target_nll(decoder, hidden.narrow(0, 0, window - 1), tokens.narrow(0, 1, window - 1));
    out.windows.push_back(nll.to(at::kDouble).mean().item<double>());
    total += out.windows.back();
    if (options.token_nll) {
      const float *values = nll.const_data_ptr<float>();
      out.token_nll.insert(out.token_nll.end(), values, values + nll.numel());
    }
  }
  report_progress(options.progress, static_cast<uint64_t>(n_windows),
                  static_cast<uint64_t>(n_windows), "window");
  out.tokens = n_windows * (window - 1);
  out.ppl = std::exp(total / static_cast<double>(n_windows));
  return out;
}

void check_ids(const model::decoder &decoder, const std::vector<int64_t> &ids) {
  const int64_t vocab_size = decoder.config().vocab_size;
  if (const auto *id = model::foreign_id(ids.data(), static_cast<int64_t>(ids.size()), vocab_size))
    throw model::foreign_id_problem(*id, vocab_size);
}

}  // namespace assay::engine
