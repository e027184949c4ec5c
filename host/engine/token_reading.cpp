// Finds the likeliest tokens of a row with a partial sort of ids.
#include "engine/token_reading.hpp"

#include <algorithm>
#include <numeric>

#include "kernels/fused_loops.hpp"
#include "kernels/threads.hpp"

namespace assay::engine {

token_reading read_token(const float *logits, int64_t vocab, int64_t id, float log_sum,
                         int64_t n_top, int64_t n_listed) {
  token_reading out{id, logits[id] - log_sum, {}};
  if (n_top <= 0) return out;
  const int64_t n = n_listed > 0 ? std::min(n_listed, vocab) : vocab;
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto kept = static_cast<std::ptrdiff_t>(std::min(n_top, n));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), [&](int64_t a, int64_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  });
  for (auto at = order.begin(); at != order.begin() + kept; ++at)
    out.top.emplace_back(*at, logits[*at] - log_sum);
  return out;
}

std::vector<token_reading> read_tokens(const model::decoder &decoder, const at::Tensor &hidden,
                                       const std::vector<head_target> &targets, int64_t n_top,
                                       int64_t n_listed) {
  const int64_t n = std::ssize(targets), tile = head_tile_rows(decoder);
  std::vector<int64_t> rows;
  for (const head_target &target : targets) rows.push_back(target.row);
  const at::Tensor wanted = at::tensor(rows, at::kLong).to(hidden.device());
  std::vector<token_reading> out(targets.size());
  for (int64_t begin = 0; begin < n; begin += tile) {
    const at::Tensor states =
        hidden.index_select(0, wanted.narrow(0, begin, std::min(tile, n - begin)));
    const at::Tensor logits = decoder.logits(states).to(at::kCPU).contiguous();
    const float *data = logits.const_data_ptr<float>();
    const int64_t vocab = logits.size(1);
    model::parallel_for(0, logits.size(0), 1, [&](int64_t from, int64_t to) {
      for (int64_t r = from; r < to; ++r) {
        const float *row = data + r * vocab;
        const auto i = static_cast<size_t>(begin + r);
        out[i] = read_token(row, vocab, targets[i].id,
                            model::kernels::log_sum_exp(row, vocab, nullptr), n_top, n_listed);
      }
    });
  }
  return out;
}

}  // namespace assay::engine
