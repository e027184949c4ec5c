// Prepares a conversation as variables of a chat template and runs the template. jinja/machine.hpp
// is the interpreter.
#include "text/chat_template.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "jinja/machine.hpp"
#include "jinja/parser.hpp"

namespace assay::text {

struct template_program {
  std::shared_ptr<const jinja::program> code;
};

namespace {

constexpr const char *k_reasoning[] = {"reasoning_content", "thinking", "reasoning"};

const json *reasoning_of(const json &message) {
  for (const char *name : k_reasoning)
    if (const auto it = message.find(name); it != message.end() && !it->is_null()) return &*it;
  return nullptr;
}

bool has_null(const json &message) {
  return std::any_of(message.begin(), message.end(), [](const json &v) { return v.is_null(); });
}

// Returns the message as the reference (transformers) passes it to a template. Keys whose value is
// null are left out, but not inside nested values. The message's reasoning is also stored under the
// names "thinking" and "reasoning_content", because templates look for different ones.
json normalized(const json &message) {
  const json *reasoning = reasoning_of(message);
  json result = json::object();
  if (reasoning) result["thinking"] = *reasoning;
  for (const auto &[key, value] : message.items())
    if (!value.is_null()) result[key] = value;
  if (reasoning) result["reasoning_content"] = *reasoning;
  return result;
}

bool needs_normalizing(const json &messages) {
  return messages.is_array() &&
         std::any_of(messages.begin(), messages.end(), [](const json &message) {
           return message.is_object() && (reasoning_of(message) || has_null(message));
         });
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
    if (name == "messages" && needs_normalizing(value)) {
      messages = json::array();
      for (const json &message : value)
        messages.push_back(message.is_object() ? normalized(message) : message);
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
