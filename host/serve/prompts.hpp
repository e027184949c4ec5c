// Turns what a client sent as a prompt (text, token ids, messages) into token ids, and fits the length of answers.
#pragma once

#include <string>
#include <vector>

#include "engine/service.hpp"
#include "serve/completion_request.hpp"

namespace assay::serve {

// Renders messages with the model's chat template, ready for an answer. Content may be a text or a list of parts of type "text". Throws
// api_error(400) for messages of another shape and for what the template refuses.
struct rendered_chat {
  std::string text;
  // Where the content of messages spells special tokens: these places stay text, so that content cannot end its own message.
  std::vector<text::text_span> plain;
};
rendered_chat render_chat(const served_model &model, const json *messages);

// Reads `messages` or `prompt` into `to.prompts`.
void read_prompts(field_reader &fields, completion_request &to);

// Sets the room of the answers: what the client asked for, or the default. Throws api_error(400, "context_length_exceeded") if prompt
// and answer do not fit the model or the memory for keys and values.
void fit_answers(completion_request &to, const asked_length &asked, int64_t default_max_tokens,
                 const engine::service &engine);

}  // namespace assay::serve
