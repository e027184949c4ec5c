// Reads the files in which a model declares its tokenizer (text to token ids), its chat templates and its special tokens.
// It keeps their bytes and does not interpret them, except to find the templates. The room `text` interprets the rest.
#pragma once

#include <map>
#include <string>

#include "core/json.hpp"

namespace assay {

constexpr const char *k_tokenizer_json = "tokenizer.json";
constexpr const char *k_tokenizer_config = "tokenizer_config.json";
constexpr const char *k_chat_template = "chat_template.jinja";
constexpr const char *k_more_templates = "additional_chat_templates";  // a folder of NAME.jinja

struct tokenizer_files {
  struct file {
    // `where` is the file's path for messages; for a file made by put() it is the `path` below.
    std::string bytes, where;
  };
  // The model's folder, or its GGUF file (one file with weights and tokenizer)
  std::string path;
  // The key is the file's path inside the folder, such as "tokenizer.json"
  std::map<std::string, file> files;

  bool has(const std::string &name) const { return files.contains(name); }
  const std::string &of(const std::string &name) const;  // the bytes; "" if the file is not there
  // The JSON object in the file; {} if the file is not there. Throws error(failed) if the file holds anything else.
  json object_of(const std::string &name) const;
  // Adds a file that exists only in this object: its bytes were made from the contents of `path`
  void put(const std::string &name, std::string bytes);
};

// Reads from a folder: tokenizer.json, or vocab.json and merges.txt if it is absent; tokenizer_config.json,
// special_tokens_map.json, added_tokens.json and the chat templates. Absent files are left out. Throws error(failed),
// which names the file, for a link to nothing, a Git LFS pointer (a small text that stands for a file that was not
// downloaded) or a failed read.
tokenizer_files read_tokenizer_files(const std::string &folder);

// Reads only the files that may hold a chat template. This is enough for a caller that needs no tokenizer.
tokenizer_files read_template_files(const std::string &folder);

// Returns {name: chat template}; a template without a name is "default". The templates are those of chat_template.jinja and
// additional_chat_templates/NAME.jinja. If none of these files exists, the key chat_template of tokenizer_config.json is used: a
// text, a list of {name, template} or an object of texts. This is the rule of transformers 5.23 (_from_pretrained).
json chat_templates_of(const tokenizer_files &files);

// Replaces all template files by `templates` ({name: text}), each in a file of its own.
void put_chat_templates(const json &templates, tokenizer_files &files);

}  // namespace assay
