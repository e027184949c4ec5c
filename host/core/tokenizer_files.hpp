// The small files in which a model declares its tokenizer, its chat templates and its special tokens.
// Not their meaning: text/tokenizer_settings reads them, and it alone does.
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
    std::string bytes, where;  // where: the file's path, or the GGUF that it was written from
  };
  std::string path;                   // the folder or the GGUF
  std::map<std::string, file> files;  // by name below the folder

  bool has(const std::string &name) const { return files.contains(name); }
  const std::string &of(const std::string &name) const;  // "" if the file is not there
  json object_of(const std::string &name) const;         // {} if the file is not there
  void put(const std::string &name, std::string bytes);  // a file that is written here, from `path`
};

// Those of a folder that are there: tokenizer.json, or vocab.json and merges.txt where it is not;
// tokenizer_config.json, special_tokens_map.json, added_tokens.json and the templates. Throws
// error(failed) at the file for a link to nothing, a Git LFS pointer and a failed read.
tokenizer_files read_tokenizer_files(const std::string &folder);

// The same of those alone that may hold a chat template, for facts that need no tokenizer.
tokenizer_files read_template_files(const std::string &folder);

// Chat templates by name; the unnamed one is "default". As in transformers' _from_pretrained (5.23):
// chat_template.jinja and additional_chat_templates/NAME.jinja, and where there is none of them the
// key of tokenizer_config.json, which is a text, a list of {name, template} or an object of texts.
json chat_templates_of(const tokenizer_files &files);

// Makes these the only templates of the files, in files of their own.
void put_chat_templates(const json &templates, tokenizer_files &files);

}  // namespace assay
