// Holds a conversation with one model: the keys and values of all tokens read so far stay, so that a next turn computes only what is
// new. generate.hpp is for single prompts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/sampler.hpp"
#include "model/decoder.hpp"
#include "model/kv_cache.hpp"

namespace assay::engine {

class conversation {
 public:
  explicit conversation(const model::decoder &decoder);  // borrows the decoder

  // Makes `ids` the text so far. Tokens at its beginning that were read or written before are kept; the
  // others are computed, and later ones forgotten. Returns the number of tokens computed. The next
  // token is then chosen by these options. Throws error(usage) if ids is empty, has a foreign id or
  // leaves no position for an answer, and error(cancelled) after Ctrl-C.
  int64_t read(const std::vector<int64_t> &ids, const sampler_options &options, uint64_t seed);

  // Writes the next token of the answer. nullopt at the end: an end token was chosen, or is_full().
  // Call read() first. Throws error(cancelled) after Ctrl-C; read() goes on from there.
  std::optional<int64_t> next();

  int64_t tokens() const { return static_cast<int64_t>(ids_.size()); }  // whose keys are held
  bool is_full() const;  // the model has no further position

 private:
  void compute(const std::vector<int64_t> &ids);
  void make_room(int64_t tokens);

  const model::decoder &decoder_;
  model::kv_cache cache_;
  std::vector<int64_t> ids_;
  at::Tensor logits_;  // of the next token, fp32 [vocab]; undefined until read() has finished
  std::optional<sampler> choose_;
  std::optional<int64_t> written_;  // chosen by next(), not computed yet
};

}  // namespace assay::engine
