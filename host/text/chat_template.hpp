// Renders a conversation to the text of a prompt with the model's own chat template, which is
// written in the template language Jinja. Not all of Jinja2 is supported (no includes, imports or
// inheritance); an unsupported construct is an error that names it.
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

// render may be called from several threads at once, as long as no thread calls a setter.
class chat_template {
 public:
  // special_tokens: {"bos_token": "<s>", ...}, as tokenizer::special_tokens() returns them; they
  // become variables of the template. Throws error(failed) with the line for a syntax error or
  // an unsupported construct.
  explicit chat_template(std::string jinja_text, json special_tokens = json::object());

  // context: an object whose keys become the template's variables: messages, tools, documents,
  // add_generation_prompt, enable_thinking and others. The members of an object under the key
  // "kwargs" become variables too. A variable of `context` wins over a special token, one of
  // "kwargs" over both. As in the reference (transformers), `tools` and `documents` are none and
  // add_generation_prompt is false if they are absent; other absent names are undefined. Throws
  // error(failed) for what the template raises (raise_exception), an operation that Python would
  // refuse, an unsupported construct (with its line), or a limit that is reached.
  std::string render(const json &context) const;

  void set_limits(const template_limits &limits) { limits_ = limits; }
  // Sets the time that strftime_now formats. If this is never called, it formats the local time.
  void set_now(const std::tm &now) { now_ = now; }
  const std::string &source() const { return source_; }

 private:
  std::string source_;
  json special_tokens_;
  std::shared_ptr<const template_program> program_;
  template_limits limits_;
  std::optional<std::tm> now_;
};

}  // namespace assay::text
