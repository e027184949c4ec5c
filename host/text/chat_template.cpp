// Puts a conversation's variables before the interpreter.
// Not the interpreter; see jinja_machine.hpp.
#include "text/chat_template.hpp"

#include "core/error.hpp"
#include "jinja/machine.hpp"
#include "jinja/parser.hpp"

namespace assay::text {

struct template_program {
  std::shared_ptr<const jinja::program> code;
};

namespace {

// The reference gives a message's reasoning the names that different templates look for.
json with_reasoning_names(const json &message) {
  if (!message.is_object()) return message;
  const json *reasoning = nullptr;
  for (const char *name : {"reasoning_content", "thinking", "reasoning"}) {
    const auto it = message.find(name);
    if (it != message.end() && !it->is_null()) {
      reasoning = &*it;
      break;
    }
  }
  if (!reasoning) return message;
  json result = json::object();
  result["thinking"] = *reasoning;
  for (const auto &[key, value] : message.items()) result[key] = value;
  result["reasoning_content"] = *reasoning;
  return result;
}

bool has_reasoning(const json &messages) {
  if (!messages.is_array()) return false;
  for (const json &message : messages)
    if (message.is_object())
      for (const char *name : {"reasoning_content", "thinking", "reasoning"})
        if (message.contains(name)) return true;
  return false;
}

}  // namespace

chat_template::chat_template(std::string jinja_text, json special_tokens)
    : source_(std::move(jinja_text)),
      special_tokens_(std::move(special_tokens)),
      program_(std::make_shared<template_program>(template_program{jinja::parse(source_)})) {}

std::string chat_template::render(const json &context) const {
  if (!context.is_object())
    throw error(error_kind::usage, "a chat template's variables must be an object");
  jinja::machine machine(*program_->code, limits_, now_);
  json messages;
  const auto define = [&](const std::string &name, const json &value) {
    if (name == "messages" && has_reasoning(value)) {
      messages = json::array();
      for (const json &message : value) messages.push_back(with_reasoning_names(message));
      machine.define(name, machine.from_json(messages));
    } else if (machine.mentions(name)) {
      machine.define(name, machine.from_json(value));
    }
  };
  if (special_tokens_.is_object())
    for (const auto &[name, value] : special_tokens_.items()) define(name, value);
  machine.define("tools", jinja::value::none());
  machine.define("documents", jinja::value::none());
  machine.define("add_generation_prompt", jinja::value::boolean(false));
  for (const auto &[name, value] : context.items())
    if (name != "kwargs" || !value.is_object()) define(name, value);
  const auto more = context.find("kwargs");
  if (more != context.end() && more->is_object())
    for (const auto &[name, value] : more->items()) define(name, value);
  return machine.run();
}

}  // namespace assay::text
