// Folders from before tokenizer.json: vocab.json + merges.txt, the pipeline known from the class.
// Not SentencePiece's tokenizer.model, which has neither file.
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "text/fast_split.hpp"
#include "text/tokenizer_parts.hpp"

namespace assay::text {
namespace {

namespace fs = std::filesystem;

json byte_level(bool add_prefix_space, bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

json qwen2_head() {
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", k_qwen2_pattern}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  return {
      {"normalizer", {{"type", "NFC"}}},
      {"pre_tokenizer",
       {{"type", "Sequence"}, {"pretokenizers", json::array({split, byte_level(false, false)})}}},
      {"post_processor", nullptr},
      {"decoder", byte_level(false, false)}};
}

json gpt2_head(bool add_prefix_space) {
  return {{"normalizer", nullptr},
          {"pre_tokenizer", byte_level(add_prefix_space, true)},
          {"post_processor", nullptr},
          {"decoder", byte_level(add_prefix_space, true)}};
}

json head_of_class(std::string name, const json &config, const std::string &folder) {
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (name == "Qwen2Tokenizer") return qwen2_head();
  if (name == "GPT2Tokenizer" || name == "CodeGenTokenizer") {
    const auto it = config.find("add_prefix_space");
    return gpt2_head(it != config.end() && it->is_boolean() && it->get<bool>());
  }
  throw error(error_kind::failed,
              "there is no tokenizer.json, and how to cut text for tokenizer_class '" + name +
                  "' is not known (known: Qwen2Tokenizer, GPT2Tokenizer, CodeGenTokenizer)")
      .at(folder)
      .hint("save the tokenizer with a current transformers, which writes tokenizer.json");
}

// added_tokens.json: {"<|im_start|>": 151644, ...}; special where a special token's name says so.
void read_added(const fs::path &path, json &list) {
  if (!fs::exists(path)) return;
  const json file = read_json_file(path.string());
  if (!file.is_object()) throw error(error_kind::failed, "not an object").at(path.string());
  for (const auto &[content, id] : file.items())
    list.push_back({{"id", id}, {"content", content}, {"special", false}, {"normalized", false}});
}

// Special tokens that the vocabulary holds, like <|endoftext|>, are cut out of texts too.
void add_named(const json &config, const token_table &vocab, json &list) {
  for (const auto &[name, value] : config.items()) {
    if (!name.ends_with("_token")) continue;
    std::string content;
    if (value.is_string())
      content = value.get<std::string>();
    else if (value.is_object())
      content = value.value("content", "");
    for (json &known : list)
      if (known["content"] == content) {
        known["special"] = true;
        content.clear();
      }
    if (content.empty() || vocab.find(content) < 0) continue;
    list.push_back({{"id", vocab.find(content)},
                    {"content", content},
                    {"special", true},
                    {"normalized", false}});
  }
}

}  // namespace

tokenizer_file read_legacy_folder(const std::string &folder, const json &config) {
  const fs::path root(folder);
  tokenizer_file file;
  const auto it = config.find("tokenizer_class");
  const std::string name = it != config.end() && it->is_string() ? it->get<std::string>() : "";
  file.head = head_of_class(name, config, folder);
  read_vocab_json(read_file((root / "vocab.json").string()), (root / "vocab.json").string(),
                  file.vocab);
  read_merges_txt(read_file((root / "merges.txt").string()), (root / "merges.txt").string(),
                  file.merges);
  file.head["model"] = {{"type", "BPE"}};
  json added = json::array();
  read_added(root / "added_tokens.json", added);
  add_named(config, file.vocab, added);
  file.head["added_tokens"] = std::move(added);
  return file;
}

}  // namespace assay::text
