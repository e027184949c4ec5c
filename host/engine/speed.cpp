// Times prefill and decoding on arbitrary token ids, because the work is the same for all ids.
#include "engine/speed.hpp"

#include <ATen/core/grad_mode.h>

#include <chrono>

#include "model/kv_cache.hpp"

namespace assay::engine {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

at::Tensor some_ids(const model::decoder &decoder, int64_t rows, int64_t tokens) {
  const int64_t vocabulary = decoder.config().vocab_size;
  return ((at::arange(rows * tokens, at::kLong) * 7919 + 17) % vocabulary).view({rows, tokens});
}

int64_t bytes_of(const model::linear_op &op) {
  return op.packed ? op.packed->bytes() : static_cast<int64_t>(op.weight.nbytes());
}

// The share of a linear's work that one token needs: of the experts it goes through some only.
double share_of(const model::decoder_block &block, const model::linear_op &op) {
  return op.expert < 0 ? 1.0
                       : static_cast<double>(block.moe.per_token) /
                             static_cast<double>(block.moe.experts.size());
}

}  // namespace

speed time_prefill(const model::decoder &decoder, int64_t tokens) {
  const at::NoGradGuard no_grad;
  model::kv_cache cache = decoder.make_cache(1, tokens);
  const at::Tensor ids = some_ids(decoder, 1, tokens);
  const auto start = clock::now();
  decoder.logits(decoder.hidden(ids, &cache).narrow(1, tokens - 1, 1));
  return {tokens, seconds_since(start)};
}

speed time_decode(const model::decoder &decoder, int64_t batch, int64_t context, int64_t steps) {
  const at::NoGradGuard no_grad;
  model::kv_cache cache = decoder.make_cache(batch, context + steps + 1);
  at::Tensor hidden = decoder.hidden(some_ids(decoder, batch, context), &cache);
  at::Tensor next = decoder.logits(hidden.narrow(1, context - 1, 1)).argmax(-1);
  const auto start = clock::now();
  for (int64_t step = 0; step < steps; ++step)
    next = decoder.logits(decoder.hidden(next, &cache)).argmax(-1);
  return {batch * steps, seconds_since(start)};
}

int64_t weight_bytes_of_step(const model::decoder &decoder) {
  int64_t bytes = bytes_of(decoder.head()) + static_cast<int64_t>(decoder.norm().nbytes());
  for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
    const model::decoder_block &block = decoder.block(i);
    for (const model::linear_op *op : block.linears())
      bytes += static_cast<int64_t>(static_cast<double>(bytes_of(*op)) * share_of(block, *op));
    for (const at::Tensor *norm : block.norms())
      if (norm->defined()) bytes += static_cast<int64_t>(norm->nbytes());
  }
  return bytes;
}

int64_t cache_bytes_of_step(const model::decoder &decoder, int64_t context) {
  return decoder.make_cache(1, context).bytes();
}

double operations_of_token(const model::decoder &decoder) {
  const auto of = [](const model::linear_op &op) {
    return 2.0 * static_cast<double>(op.in_features()) * static_cast<double>(op.out_features());
  };
  double operations = of(decoder.head());
  for (int64_t i = 0; i < decoder.n_blocks(); ++i)
    for (const model::linear_op *op : decoder.block(i).linears())
      operations += of(*op) * share_of(decoder.block(i), *op);
  return operations;
}

}  // namespace assay::engine
