// Scores a text in the windows that lm-evaluation-harness makes with get_rolling_token_windows
// (context_len 1) and make_disjoint_window (lm_eval/utils.py).
#include "engine/rolling.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "engine/perplexity.hpp"

namespace assay::engine {

rolling_result rolling_score(const model::decoder &decoder, const std::vector<int64_t> &ids,
                             int64_t prefix, int64_t max_length, const progress_fn &progress) {
  const at::NoGradGuard no_grad;
  if (ids.empty()) throw error(error_kind::usage, "there is no token to score");
  if (max_length < 2 || max_length > decoder.config().max_positions)
    throw error(error_kind::usage, "a window must have 2 to " +
                                       std::to_string(decoder.config().max_positions) +
                                       " tokens, not " + std::to_string(max_length));
  std::vector<int64_t> all = {prefix};
  all.insert(all.end(), ids.begin(), ids.end());
  check_ids(decoder, all);
  const at::Tensor tokens = at::tensor(at::ArrayRef<int64_t>(all), at::kLong);
  const auto n = static_cast<int64_t>(ids.size());
  rolling_result out;
  // all[0] is the prefix, so the next token to score is all[scored + 1].
  for (int64_t scored = 0; scored < n; ++out.windows) {
    throw_if_cancelled();
    report_progress(progress, static_cast<uint64_t>(scored), static_cast<uint64_t>(n), "tokens");
    const int64_t wanted = std::min(max_length, n - scored);
    // The inputs are all[begin .. end - 1]; the last `wanted` of them predict scored tokens.
    const int64_t end = scored + wanted;
    const int64_t begin = std::max<int64_t>(0, end - max_length);
    const at::Tensor hidden =
        decoder.hidden(tokens.narrow(0, begin, end - begin).unsqueeze(0)).select(0, 0);
    const at::Tensor nll = target_nll(decoder, hidden.narrow(0, end - begin - wanted, wanted),
                                      tokens.narrow(0, scored + 1, wanted));
    out.sum -= nll.to(at::kDouble).sum().item<double>();
    scored = end;
  }
  out.tokens = n;
  return out;
}

}  // namespace assay::engine
