// Declares tokenizers and chat templates as Lua values, and functions that pass token ids between Lua
// and the tokenizer.
#pragma once

#include <memory>
#include <vector>

#include "lua/lx.hpp"
#include "text/chat_template.hpp"
#include "text/tokenizer.hpp"

namespace assay::lua {

using tokenizer_handle = std::shared_ptr<const text::tokenizer>;
using template_handle = std::shared_ptr<const text::chat_template>;

template <>
struct class_of<tokenizer_handle> {
  static constexpr const char *name = "tokenizer";
};
template <>
struct class_of<template_handle> {
  static constexpr const char *name = "chat template";
};

// Throws error(usage) for an id that is negative or above INT32_MAX.
std::vector<int32_t> narrow_ids(const std::vector<int64_t> &ids);
// Encodes `text` and pushes its ids. The options are argument 3. Without options it adds no token;
// { special = true } adds all tokens that transformers adds, { start = true } adds only the token that
// the tokenizer itself puts first.
void push_encoded(lua_State *L, const text::tokenizer &with, const std::string &text);
void push_token_ids(lua_State *L, const std::vector<int32_t> &ids);

}  // namespace assay::lua
