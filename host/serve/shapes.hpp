// The JSON of answers: OpenAI's objects chat.completion, chat.completion.chunk and text_completion.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "engine/token_reading.hpp"
#include "serve/served_model.hpp"

namespace assay::serve {

// What all chunks of one answer have in common.
struct answer_head {
  bool chat = false;
  std::string id;
  int64_t created = 0;  // seconds since 1970
  const served_model *model = nullptr;
};
answer_head new_answer_head(const served_model &model, bool chat);

struct token_usage {
  int64_t prompt = 0, completion = 0;
};
json usage_json(const token_usage &usage);

// The log-probabilities of consecutive tokens of one answer, in either of the two forms.
class logprob_list {
 public:
  // offset: the place of the next token in the text, in characters; it goes on from chunk to chunk.
  logprob_list(const served_model &model, bool chat, int64_t &offset);
  void add_first(int64_t id);  // the first token of a prompt: it has no log-probability
  void add(const engine::token_reading &token);
  json take();

 private:
  std::string begin(int64_t id);
  const served_model &model_;
  bool chat_;
  int64_t &offset_;
  json content_ = json::array();
  json tokens_ = json::array(), values_ = json::array(), tops_ = json::array(),
       offsets_ = json::array();
};

// A choice of a chunk. role: whether this is the choice's first chunk. finish: "" while it goes on. logprobs may be null.
json chunk_choice(const answer_head &head, int64_t index, const std::string &text, bool first,
                  const std::string &finish, json logprobs);
// A choice of a whole answer
json whole_choice(const answer_head &head, int64_t index, const std::string &text,
                  const std::string &finish, json logprobs);
// An answer or a chunk with these choices, without usage.
json answer_json(const answer_head &head, bool is_chunk, json choices);

}  // namespace assay::serve
