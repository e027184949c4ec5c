// What a client asks for with /v1/chat/completions or /v1/completions, read from the body and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/generate.hpp"
#include "serve/served_model.hpp"

namespace assay::serve {

struct completion_prompt {
  std::vector<int64_t> ids;
  std::string text;  // only for echo
};

struct completion_request {
  bool chat = false;
  const served_model *model = nullptr;
  std::vector<completion_prompt> prompts;  // one, unless a completion has a list
  engine::generate_options options;        // sampling; max_tokens is the room of each answer
  int64_t n = 1;                           // answers to each prompt
  std::vector<std::string> stop;
  bool echo = false;
  int64_t top =
      -1;  // -1: no log-probabilities; otherwise how many likeliest tokens are listed beside each token
  bool stream = false, include_usage = false, continuous_usage = false, timings = false;
  std::vector<std::string> ignored;  // fields that this server does not know
};

// The models by name; the first one answers requests that name none.
const served_model &find_model(const std::vector<served_model> &models,
                               const std::optional<std::string> &name);

// Reads everything but the prompts. Throws api_error. default_max_tokens: most tokens of a chat answer if the client says nothing.
// The room of answers is cut to the model's in fit_answers (prompts.hpp).
struct asked_length {
  std::optional<int64_t> max_tokens;
};
class field_reader;
completion_request read_completion(field_reader &fields, bool chat,
                                   const std::vector<served_model> &models, asked_length &length);

}  // namespace assay::serve
