// Compares two models on two sequences of random ids. Any ids will do, because both models must give
// the same logits for every input.
#include "quant/transforms/twin_forward.hpp"

#include "quant/streaming/held_outer_weight.hpp"

namespace assay::quant {
namespace {

constexpr int64_t k_rows = 2, k_tokens = 48;

// decoder: a copy, because the head of a streamed model is read into it.
at::Tensor logits_of(model::decoder decoder, const at::Tensor &h) {
  const held_outer_weight head(decoder, decoder.head());
  return decoder.logits(decoder.final_norm(h));
}

}  // namespace

twin_forward::twin_forward(const model::decoder &before)
    : before_(before),
      ids_(at::randint(0, before.config().vocab_size, {k_rows, k_tokens},
                       at::detail::createCPUGenerator(17), at::kLong)),
      h_before_(before.embed(ids_)),
      context_(before.context(k_rows, k_tokens)) {}

void twin_forward::start(const model::decoder &after) {
  h_after_ = after.embed(ids_);
}

void twin_forward::across(const model::decoder_block &before, const model::decoder_block &after) {
  h_before_ = before.forward(h_before_, context_);
  h_after_ = after.forward(h_after_, context_);
}

double twin_forward::difference(const model::decoder &after) const {
  return relative_distance(logits_of(before_, h_before_), logits_of(after, h_after_));
}

double relative_distance(const at::Tensor &expected, const at::Tensor &found) {
  return ((found - expected).norm() / expected.norm().clamp_min(1e-30)).item<double>();
}

}  // namespace assay::quant
