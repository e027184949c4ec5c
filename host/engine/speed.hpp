// Times the two phases of generation: prefill (many tokens of a prompt at once) and decoding (one new
// token for each sequence in a step).
#pragma once

#include <cstdint>

#include "model/decoder.hpp"

namespace assay::engine {

struct speed {
  int64_t tokens = 0;  // prefill: of the prompt; decode: new tokens of all sequences together
  double seconds = 0;  // wall time
  double tokens_per_second() const { return static_cast<double>(tokens) / seconds; }
};

// Times one run of a prompt of `tokens` tokens, with the logits of its last token.
speed time_prefill(const model::decoder &decoder, int64_t tokens);

// Prefills `context` tokens of `batch` sequences, then times `steps` greedy steps of all of them. The
// time includes the head and the choice of the token, as in generation.
speed time_decode(const model::decoder &decoder, int64_t batch, int64_t context, int64_t steps);

// Bytes of weights that one decoding step reads, the same for any batch: the linears and the head as
// they are in memory, and the norms before attention, MLP and head. Biases and the small norms of q and
// k are not counted. The embedding counts only if it is the head (tied).
int64_t weight_bytes_of_step(const model::decoder &decoder);
// Bytes of keys and values that one decoding step reads for one sequence of `context` tokens.
int64_t cache_bytes_of_step(const model::decoder &decoder, int64_t context);
// Operations of linears and head for one token; a multiply-add counts as two. Attention's products of
// queries, keys and values are not counted.
double operations_of_token(const model::decoder &decoder);

}  // namespace assay::engine
