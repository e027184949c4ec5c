// Writes which tokens have a role: the one before a text, those that end an answer, padding,
// unknown. They are read from the post-processor of tokenizer.json, from tokenizer_config.json,
// generation_config.json and config.json.
#include "special_tokens.hpp"

#include <algorithm>
#include <optional>

namespace gguf {
namespace {

using assay_json::value;
using optional_id = std::optional<int64_t>;

[[noreturn]] void refuse(const std::string &what) {
  throw failure(ASSAY_UNSUPPORTED, "tokenizer.json: " + what);
}

// Tokens that the post-processor puts around a text.
struct surround {
  std::vector<int64_t> before, after;
};

void read_template(const value &post, surround &out) {
  const value *single = post.find("single"), *known = post.find("special_tokens");
  if (single == nullptr) refuse("the post-processor has no template");
  bool after_text = false;
  for (const value &piece : single->items) {
    if (piece.find("Sequence") != nullptr) after_text = true;
    const value *token = piece.find("SpecialToken");
    if (token == nullptr) continue;
    const value *entry = known == nullptr ? nullptr : known->find(token->string_or("id", ""));
    const value *ids = entry == nullptr ? nullptr : entry->find("ids");
    if (ids == nullptr) refuse("the post-processor names an unknown token");
    for (const value &id : ids->items)
      (after_text ? out.after : out.before).push_back(static_cast<int64_t>(id.number));
  }
}

void read_post(const value &post, surround &out) {
  const std::string type = post.string_or("type", "");
  if (type == "Sequence") {
    if (const value *parts = post.find("processors"))
      for (const value &one : parts->items) read_post(one, out);
  } else if (type == "TemplateProcessing") {
    read_template(post, out);
  } else if (!type.empty() && type != "ByteLevel") {
    refuse("a GGUF file cannot say what the post-processor " + type + " does");
  }
}

// The id of the token that tokenizer_config.json names under `key`, as a text or as an object.
optional_id named(const vocabulary &v, const value &settings, const char *key) {
  const value *found = settings.find(key);
  if (found == nullptr) return std::nullopt;
  const std::string text =
      found->kind == assay_json::type::object ? found->string_or("content", "") : found->text;
  const auto id = v.ids.find(text);
  return id == v.ids.end() ? std::nullopt : optional_id(id->second);
}

// The ids of a key that holds one id or a list.
std::vector<int64_t> ids_of(const value &from, const char *key) {
  std::vector<int64_t> out;
  const value *found = from.find(key);
  if (found == nullptr) return out;
  if (found->kind == assay_json::type::number) out.push_back(static_cast<int64_t>(found->number));
  for (const value &id : found->items) out.push_back(static_cast<int64_t>(id.number));
  return out;
}

// The ids that end an answer: those of generation_config.json, else `own`, else those of config.json.
// own: the id of the token that tokenizer_config.json names; if it is among the ids, it comes first.
std::vector<int64_t> ends_of(const optional_id &own, const model_files &files) {
  std::vector<int64_t> ends = ids_of(json_file(files, "generation_config.json"), "eos_token_id");
  if (ends.empty() && own) return {*own};
  if (ends.empty()) ends = ids_of(json_file(files, "config.json"), "eos_token_id");
  const auto first = own ? std::find(ends.begin(), ends.end(), *own) : ends.end();
  if (first != ends.end()) std::rotate(ends.begin(), first, first + 1);
  return ends;
}

}  // namespace

void put_special_tokens(const vocabulary &v, const value &tokenizer, const value &settings,
                        const model_files &files, metadata &to) {
  const auto put = [&](const char *name, int64_t id) {
    if (id < 0 || id >= static_cast<int64_t>(v.tokens.size()))
      refuse(std::string(name) + " " + std::to_string(id) + " is no row of the embedding");
    to.put_u32(std::string("tokenizer.ggml.") + name, static_cast<uint64_t>(id));
  };
  const value config = json_file(files, "config.json");
  // An id of config.json counts only if its token is not plain text, because a reader removes tokens with a role from
  // the text. The id -1 means that there is none.
  const auto named_or = [&](const char *name, const char *key) {
    const auto own = named(v, settings, name);
    const auto ids = ids_of(config, key);
    if (own || ids.empty()) return own;
    const auto id = static_cast<size_t>(ids.front());
    return id < v.types.size() && v.types[id] != k_normal ? optional_id(ids.front()) : own;
  };
  surround around;
  if (const value *post = tokenizer.find("post_processor")) read_post(*post, around);
  if (around.before.size() > 1 || around.after.size() > 1)
    refuse("a GGUF file can say one token before a text and one after it, not more");
  const std::vector<int64_t> ends = ends_of(named(v, settings, "eos_token"), files);
  if (!around.after.empty() && (ends.empty() || around.after[0] != ends[0]))
    refuse("the token after a text is not the one that ends an answer");
  const auto first =
      around.before.empty() ? named_or("bos_token", "bos_token_id") : optional_id(around.before[0]);
  if (first) put("bos_token_id", *first);
  const char *const k_end_names[] = {"eos_token_id", "eot_token_id", "eom_token_id"};
  if (ends.size() > 3) refuse("a GGUF file can say three tokens that end an answer, not more");
  for (size_t i = 0; i < ends.size(); ++i) put(k_end_names[i], ends[i]);
  if (const auto id = named_or("pad_token", "pad_token_id")) put("padding_token_id", *id);
  const auto unknown = std::find(v.types.begin(), v.types.end(), k_unknown);
  if (unknown != v.types.end()) put("unknown_token_id", unknown - v.types.begin());
  to.put_bool("tokenizer.ggml.add_bos_token", !around.before.empty());
  to.put_bool("tokenizer.ggml.add_eos_token", !around.after.empty());
}

void put_templates(const value &settings, const model_files &files, metadata &to) {
  if (const auto own = files.find("chat_template.jinja"); own != files.end()) {
    to.put_text("tokenizer.chat_template", own->second);
    return;
  }
  const value *found = settings.find("chat_template");
  if (found == nullptr) return;
  if (found->kind == assay_json::type::string) to.put_text("tokenizer.chat_template", found->text);
  std::vector<std::pair<std::string, std::string>> all;
  for (const value &one : found->items)
    all.emplace_back(one.string_or("name", ""), one.string_or("template", ""));
  for (const auto &[name, text] : found->members) all.emplace_back(name, text.text);
  std::vector<std::string> names;
  for (const auto &[name, text] : all) {
    if (name == "default") {
      to.put_text("tokenizer.chat_template", text);
      continue;
    }
    to.put_text("tokenizer.chat_template." + name, text);
    names.push_back(name);
  }
  if (!names.empty()) to.put_texts("tokenizer.chat_templates", names);
}

}  // namespace gguf
