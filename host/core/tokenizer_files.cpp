// Reads the files of a tokenizer from a folder, and finds the chat templates in them.
#include "core/tokenizer_files.hpp"

#include <filesystem>

#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay {
namespace fs = std::filesystem;
namespace {

constexpr const char *k_jinja = ".jinja";

void take(const std::string &name, tokenizer_files &out) {
  const std::string file = (fs::path(out.path) / name).string();
  if (is_there(file)) out.files[name] = {read_regular_file(file), file};
}

void take_templates(tokenizer_files &out) {
  for (const char *name : {k_tokenizer_config, k_chat_template}) take(name, out);
  const fs::path more = fs::path(out.path) / k_more_templates;
  if (!is_there(more.string()) || !fs::is_directory(more)) return;
  for (const auto &entry : fs::directory_iterator(more))
    if (entry.path().extension() == k_jinja)
      take(std::string(k_more_templates) + "/" + entry.path().filename().string(), out);
}

std::string name_of_template(const std::string &name) {
  return name == "default" ? k_chat_template : std::string(k_more_templates) + "/" + name + k_jinja;
}

bool holds_template(const std::string &name) {
  return name == k_chat_template || name.starts_with(std::string(k_more_templates) + "/");
}

// If both exist, additional_chat_templates/default.jinja wins over chat_template.jinja, as in transformers.
json templates_of_files(const tokenizer_files &files) {
  json out = json::object();
  if (files.has(k_chat_template)) out["default"] = files.of(k_chat_template);
  for (const auto &[name, file] : files.files)
    if (holds_template(name) && name != k_chat_template)
      out[fs::path(name).stem().string()] = file.bytes;
  return out;
}

json templates_of_key(const json &value) {
  json out = json::object();
  if (value.is_string()) out["default"] = value;
  if (value.is_object())
    for (const auto &[name, text] : value.items())
      if (text.is_string()) out[name] = text;
  if (value.is_array())
    for (const json &entry : value)
      if (entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
          entry.contains("template") && entry["template"].is_string())
        out[entry["name"].get<std::string>()] = entry["template"];
  return out;
}

}  // namespace

const std::string &tokenizer_files::of(const std::string &name) const {
  static const std::string k_none;
  const auto found = files.find(name);
  return found == files.end() ? k_none : found->second.bytes;
}

json tokenizer_files::object_of(const std::string &name) const {
  const auto found = files.find(name);
  if (found == files.end()) return json::object();
  json value = parse_json(found->second.bytes, found->second.where);
  if (!value.is_object()) throw error(error_kind::failed, "not an object").at(found->second.where);
  return value;
}

void tokenizer_files::put(const std::string &name, std::string bytes) {
  files[name] = {std::move(bytes), path};
}

tokenizer_files read_template_files(const std::string &folder) {
  tokenizer_files out{folder, {}};
  take_templates(out);
  return out;
}

tokenizer_files read_tokenizer_files(const std::string &folder) {
  tokenizer_files out = read_template_files(folder);
  take(k_tokenizer_json, out);
  if (!out.has(k_tokenizer_json))
    for (const char *name : {"vocab.json", "merges.txt"}) take(name, out);
  for (const char *name : {"special_tokens_map.json", "added_tokens.json"}) take(name, out);
  return out;
}

json chat_templates_of(const tokenizer_files &files) {
  json out = templates_of_files(files);
  if (!out.empty()) return out;
  const json config = files.object_of(k_tokenizer_config);
  const auto key = config.find("chat_template");
  return key == config.end() ? json::object() : templates_of_key(*key);
}

void put_chat_templates(const json &templates, tokenizer_files &files) {
  std::erase_if(files.files, [](const auto &entry) { return holds_template(entry.first); });
  for (const auto &[name, text] : templates.items())
    files.put(name_of_template(name), text.get<std::string>());
}

}  // namespace assay
