// Chat templates: renders a conversation to prompt text with the model's own Jinja template.
// Not a general Jinja2: no includes, imports or inheritance; what is missing is an error naming it.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "core/json.hpp"
#include "jinja/limits.hpp"

namespace assay::text {

struct template_program;  // the parsed template

// Immutable after construction; render may be called from any number of threads.
class chat_template {
 public:
  // special_tokens: {"bos_token": "<s>", ...} as of tokenizer::special_tokens(); they become
  // variables. Throws error(failed) with the line for a syntax error or an unsupported construct.
  explicit chat_template(std::string jinja_text, json special_tokens = json::object());

  // context: an object whose keys become the template's variables, in order: messages, tools,
  // documents, add_generation_prompt, enable_thinking, ...; the members of an object under
  // "kwargs" become variables too and win over special tokens. As in the reference, `tools` and
  // `documents` are none and add_generation_prompt is false unless given; other absent names are
  // undefined. Throws error(failed): what the template raised (raise_exception), an operation
  // that Python would refuse, a construct that is not supported (named, with its line), or a
  // limit that was reached.
  std::string render(const json &context) const;

  void set_limits(const template_limits &limits) { limits_ = limits; }
  void set_now(const std::tm &now) { now_ = now; }  // what strftime_now sees; local time otherwise
  const std::string &source() const { return source_; }

 private:
  std::string source_;
  json special_tokens_;
  std::shared_ptr<const template_program> program_;
  template_limits limits_;
  std::optional<std::tm> now_;
};

}  // namespace assay::text
