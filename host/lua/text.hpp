// Tokenizers and chat templates as Lua values.
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

std::vector<int32_t> narrow_ids(const std::vector<int64_t> &ids);  // throws error(usage)
// The ids of a text by the options at index 3: none, { special = true } or { start = true }.
void push_encoded(lua_State *L, const text::tokenizer &with, const std::string &text);
void push_token_ids(lua_State *L, const std::vector<int32_t> &ids);

}  // namespace assay::lua
