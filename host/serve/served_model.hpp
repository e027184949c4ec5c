// A model under the name by which clients ask for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/decoder.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace assay::serve {

struct served_model {
  std::string name;
  const model::decoder *decoder = nullptr;  // borrowed; two names may have the same one
  std::shared_ptr<const text::tokenizer> tokenizer;
  std::shared_ptr<const text::chat_template>
      chat_template;         // null: the model cannot hold a conversation
  std::string fingerprint;   // says which weights, kernel and device answer
  size_t lane = 0;           // the decoder's place in the engine's list; the server sets it
  size_t longest_token = 0;  // bytes of the longest spelling of a token; the server sets it

  int64_t positions() const { return decoder->config().max_positions; }
  // Ids that a request may contain: those of the model's vocabulary
  int64_t vocabulary() const { return decoder->config().vocab_size; }
};

}  // namespace assay::serve
