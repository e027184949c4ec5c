// Reads the declarations of tokens from tokenizer_config.json, special_tokens_map.json and
// added_tokens.json, and decides which file wins.
#include "text/tokenizer_settings.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "text/tokenizer_parts.hpp"
#include "unicode/unicode.hpp"

namespace assay::text {
namespace {

constexpr const char *k_decoder = "added_tokens_decoder";
constexpr const char *k_extra = "extra_special_tokens";
constexpr const char *k_additional = "additional_special_tokens";  // k_extra before transformers 5
constexpr const char *k_beside = "added_tokens.json";
constexpr const char *k_standard[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                      "pad_token", "cls_token", "mask_token"};

// Returns whether the key has a value other than null, false, "", [] and {}. In Python, the language
// of the reference, these values count as false.
bool has(const json &object, const char *key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null() || *found == false) return false;
  return found->is_string() ? !found->get_ref<const std::string &>().empty()
                            : !found->is_structured() || !found->empty();
}

bool flag(const json &config, const char *key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_boolean() && found->get<bool>();
}

// Returns whether a value describes a token: "text" or {"content": "text", flags}. Not every key that
// ends with "_token" has such a value: add_bos_token is true or false.
bool is_token(const json &value) {
  return value.is_string() ||
         (value.is_object() && value.contains("content") && value["content"].is_string());
}

// Makes a token from its description. named: the token has a name such as eos_token, so it is special
// even if its description does not say so.
added_token special_token(const json &value, const std::string &part, bool named) {
  added_token token;
  if (value.is_string()) {
    token.content = value.get<std::string>();
    token.special = true;
    return token;
  }
  token = read_added_token(value, part);
  token.special = token.special || named;
  return token;
}

// Marks a token of special_tokens_map.json as special, because the file need not say so.
json as_special(json value) {
  if (value.is_object() && value.contains("content")) value["special"] = true;
  if (value.is_array())
    for (json &token : value) token = as_special(token);
  return value;
}

// Returns tokenizer_config.json, in which each key of special_tokens_map.json replaces the key of the
// same name; only two lists of extra tokens are joined. special_tokens_map.json is read only if
// tokenizer_config.json has no added_tokens_decoder.
json merged(const json &config, const tokenizer_files &files) {
  json out = config;
  if (has(out, k_additional) && !has(out, k_extra)) out[k_extra] = out[k_additional];
  if (config.contains(k_decoder)) return out;
  const json map = files.object_of("special_tokens_map.json");
  for (const auto &[key, value] : map.items()) {
    if (key == k_extra && value.is_array() && has(out, k_extra) && out[k_extra].is_array())
      for (const json &token : value) out[k_extra].push_back(as_special(token));
    else
      out[key] = as_special(value);
  }
  if (has(map, k_additional) && !out.contains(k_extra)) out[k_extra] = out[k_additional];
  return out;
}

// Returns a token's place in k_standard. Tokens that are not in the vocabulary get their ids in this
// order; tokens with other names follow in the order of the files.
size_t rank(const std::string &name) {
  const auto *found = std::find(std::begin(k_standard), std::end(k_standard), name);
  return static_cast<size_t>(found - std::begin(k_standard));
}

// Reads the special tokens that have a name: keys such as "eos_token", and the members of an object
// under "extra_special_tokens". Chat templates use both by their names.
void read_names(const json &all, tokenizer_settings &out) {
  std::vector<std::pair<std::string, json>> found;
  for (const auto &[name, value] : all.items())
    if (name.ends_with("_token") && is_token(value)) found.emplace_back(name, value);
  if (has(all, k_extra) && all[k_extra].is_object())
    for (const auto &[name, value] : all[k_extra].items())
      if (is_token(value)) found.emplace_back(name, value);
  for (const auto &[name, value] : found)
    out.names[name] = value.is_string() ? value : value["content"];
  std::stable_sort(found.begin(), found.end(),
                   [](const auto &a, const auto &b) { return rank(a.first) < rank(b.first); });
  for (const auto &[name, value] : found) out.special.push_back(special_token(value, name, true));
}

void read_unnamed(const json &all, tokenizer_settings &out) {
  if (!has(all, k_extra) || !all[k_extra].is_array()) return;
  for (const json &value : all[k_extra]) {
    if (!is_token(value))
      throw error(error_kind::failed, std::string(k_extra) + ": " + value.dump() + " is no token");
    out.special.push_back(special_token(value, k_extra, false));
  }
}

void read_decoder(const json &decoder, tokenizer_settings &out) {
  if (!decoder.is_object()) return;
  for (const auto &[key, entry] : decoder.items()) {
    if (key.empty() || key.size() > 8 || key.find_first_not_of("0123456789") != std::string::npos)
      throw error(error_kind::failed, "added_tokens_decoder: '" + key + "' is no token id");
    added_token token = read_added_token(entry, k_decoder);
    token.id = std::stoi(key);
    out.decoder.push_back(std::move(token));
  }
}

bool is_one_of(const json &names, const std::string &content) {
  return std::any_of(names.begin(), names.end(), [&](const json &one) { return one == content; });
}

// Returns whether a standard name or the list of extra tokens declares this text as special.
bool is_declared_special(const tokenizer_settings &out, const json &all,
                         const std::string &content) {
  for (const char *name : k_standard)
    if (out.names.contains(name) && out.names[name] == content) return true;
  if (!has(all, k_extra) || !all[k_extra].is_array()) return false;
  return std::any_of(all[k_extra].begin(), all[k_extra].end(), [&](const json &one) {
    return one == content || (one.is_object() && one.value("content", "") == content);
  });
}

// Reads added_tokens.json, which has the form {"<|im_start|>": 151644, ...}. Its tokens are sorted
// by their ids.
void read_beside(const json &file, const json &all, tokenizer_settings &out) {
  for (const auto &[content, id] : file.items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() > token_table::k_max_id)
      throw error(error_kind::failed, "the id of '" + content + "' is " + id.dump());
    added_token token;
    token.content = content;
    token.id = id.get<int32_t>();
    token.normalized = !is_declared_special(out, all, content);
    token.special = !token.normalized || is_one_of(out.names, content);
    out.beside.push_back(std::move(token));
  }
  std::stable_sort(out.beside.begin(), out.beside.end(),
                   [](const auto &a, const auto &b) { return a.id < b.id; });
}

// Runs `read`. An error that names no place is thrown again with the path of the file.
template <class F>
void at_file(const tokenizer_files &files, const char *name, F &&read) try {
  read();
} catch (const error &e) {
  const auto found = files.files.find(name);
  if (!e.where().empty() || found == files.files.end()) throw;
  throw error(e.kind(), e.message()).at(found->second.where).cause(e.cause()).hint(e.hint());
}

}  // namespace

tokenizer_settings read_settings(const tokenizer_files &files) {
  tokenizer_settings out;
  out.config = files.object_of(k_tokenizer_config);
  json all = merged(out.config, files);
  if (!files.has(k_tokenizer_json)) {  // if there is one, it decides all of this
    const json by_class = default_tokens_of_class(class_of(out.config));
    for (const auto &[name, text] : by_class.items())
      if (!all.contains(name)) all[name] = text;
    out.add_bos = flag(out.config, "add_bos_token");
    out.add_eos = flag(out.config, "add_eos_token");
  }
  at_file(files, k_tokenizer_config, [&] {
    read_names(all, out);
    read_unnamed(all, out);
    if (out.config.contains(k_decoder)) read_decoder(out.config[k_decoder], out);
  });
  if (!out.config.contains(k_decoder))
    at_file(files, k_beside, [&] { read_beside(files.object_of(k_beside), all, out); });
  out.split_special = flag(out.config, "split_special_tokens");
  out.chat_templates = chat_templates_of(files);
  for (const auto &[name, text] : out.chat_templates.items())
    require_utf8(text.get_ref<const std::string &>(), "the chat template");
  return out;
}

}  // namespace assay::text
