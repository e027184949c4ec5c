// Computes divergences for some rows (a tile) at a time, so that the logits of a whole batch
// are never in memory.
#include "quant/tuning/divergence.hpp"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "core/cancel.hpp"
#include "kernels/matmul.hpp"

namespace assay::quant {
namespace {

constexpr int64_t k_tile_elements = 1 << 23;  // logits of a tile: 32 MiB of fp32

// Calls body(first row, number of rows, logits of `model`, log p) for each tile. p are the
// probabilities of `float_model`.
template <class Body>
void for_tiles(const model::decoder &model, const at::Tensor &mine,
               const model::decoder &float_model, const at::Tensor &theirs, const Body &body) {
  const at::NoGradGuard no_grad;
  const int64_t tile = std::max<int64_t>(1, k_tile_elements / float_model.config().vocab_size);
  for (int64_t begin = 0; begin < mine.size(0); begin += tile) {
    const int64_t rows = std::min(tile, mine.size(0) - begin);
    body(begin, rows, model.logits(mine.narrow(0, begin, rows)),
         at::log_softmax(float_model.logits(theirs.narrow(0, begin, rows)), 1));
  }
}

}  // namespace

at::Tensor token_divergence(const model::decoder &model, const at::Tensor &mine,
                            const model::decoder &float_model, const at::Tensor &theirs) {
  at::Tensor out = at::empty({mine.size(0)}, mine.options().dtype(at::kFloat));
  for_tiles(model, mine, float_model, theirs,
            [&](int64_t begin, int64_t rows, const at::Tensor &logits, const at::Tensor &log_p) {
              const auto log_q = at::log_softmax(logits, 1);
              out.narrow(0, begin, rows).copy_(((log_p - log_q).mul_(log_p.exp())).sum(1));
            });
  return out;
}

double divergence_gradient(const model::decoder &model, const at::Tensor &mine,
                           const model::decoder &float_model, const at::Tensor &theirs,
                           const at::Tensor &head_t, at::Tensor &gradient) {
  gradient = at::empty_like(mine);
  double total = 0;
  for_tiles(model, mine, float_model, theirs,
            [&](int64_t begin, int64_t rows, const at::Tensor &logits, const at::Tensor &log_p) {
              const auto p = log_p.exp(), log_q = at::log_softmax(logits, 1);
              total += (log_p - log_q).mul_(p).sum(at::kDouble).item<double>();
              const auto slope =
                  model.before_logits(logits, log_q.exp().sub_(p)).to(mine.scalar_type());
              gradient.narrow(0, begin, rows).copy_(model::fast_linear(slope, head_t));
            });
  return total;
}

json measure_divergence(const model::decoder &model, const model::decoder &float_model,
                        const calibration &data, const progress_fn &progress) {
  data.require_vocabulary(float_model.config().vocab_size);
  json means = json::array();
  double total = 0;
  int64_t tokens = 0;
  const auto &sequences = data.sequences();
  for (size_t i = 0; i < sequences.size(); ++i) {
    throw_if_cancelled();
    report_progress(progress, i, sequences.size(), "sequence");
    const auto ids = at::tensor(sequences[i].ids, at::kLong).unsqueeze(0).to(float_model.device());
    const auto nats =
        token_divergence(model, model.hidden(ids)[0], float_model, float_model.hidden(ids)[0])
            .to(at::kCPU, at::kDouble);
    const auto &counted = sequences[i].counted;
    double sum = 0;
    int64_t n = 0;
    for (int64_t t = 0; t < nats.numel(); ++t)
      if (counted.empty() || counted[static_cast<size_t>(t)])
        sum += nats.const_data_ptr<double>()[t], ++n;
    if (n > 0) means.push_back(sum / static_cast<double>(n));
    total += sum;
    tokens += n;
  }
  return {{"kl", total / static_cast<double>(tokens)}, {"tokens", tokens}, {"sequences", means}};
}

}  // namespace assay::quant
