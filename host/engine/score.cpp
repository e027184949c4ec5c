// Continuations after a shared context: the context's keys and values are computed once.
#include "engine/score.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {
namespace {

// hidden: [n, hidden], the states that predict the n tokens of `continuation`.
score_result read_scores(const model::decoder &decoder, const at::Tensor &hidden,
                         const std::vector<int64_t> &continuation) {
  at::Tensor greedy;
  const at::Tensor nll = target_nll(
      decoder, hidden, at::tensor(at::ArrayRef<int64_t>(continuation), at::kLong), &greedy);
  score_result out;
  out.tokens = static_cast<int64_t>(continuation.size());
  out.sum = -nll.to(at::kDouble).sum().item<double>();
  out.greedy = greedy.all().item<bool>();
  for (int64_t i = 0; i < nll.numel(); ++i) out.token_logprobs.push_back(-nll[i].item<float>());
  return out;
}

}  // namespace

std::vector<score_result> score(const model::decoder &decoder, const std::vector<int64_t> &context,
                                const std::vector<std::vector<int64_t>> &continuations) {
  const at::NoGradGuard no_grad;
  if (context.empty())
    throw error(error_kind::usage, "scoring needs a context of at least one token")
        .hint("Use the end-of-text token as context of a bare text");
  check_ids(decoder, context);
  size_t longest = 0;
  for (const auto &continuation : continuations) {
    check_ids(decoder, continuation);
    longest = std::max(longest, continuation.size());
  }
  model::kv_cache cache(decoder.config(), 1, static_cast<int64_t>(context.size() + longest),
                        decoder.dtype(), decoder.device());
  const auto length = static_cast<int64_t>(context.size());
  const at::Tensor prefix =
      decoder.hidden(at::tensor(at::ArrayRef<int64_t>(context), at::kLong).unsqueeze(0), &cache);
  const at::Tensor last =
      prefix.select(0, 0).narrow(0, length - 1, 1);  // predicts every continuation's first token
  std::vector<score_result> out;
  for (const auto &continuation : continuations) {
    throw_if_cancelled();
    if (continuation.empty()) {
      out.emplace_back();
      continue;
    }
    at::Tensor states = last;
    if (continuation.size() > 1) {  // the last token is only a target
      cache.set_length(0, length);
      const at::ArrayRef<int64_t> inputs(continuation.data(), continuation.size() - 1);
      states = at::cat(
          {last, decoder.hidden(at::tensor(inputs, at::kLong).unsqueeze(0), &cache).select(0, 0)});
    }
    out.push_back(read_scores(decoder, states, continuation));
  }
  return out;
}

}  // namespace assay::engine
