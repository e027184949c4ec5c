// Reads folders without tokenizer.json: vocab.json and merges.txt give the model (byte pair encoding),
// and the tokenizer's class in tokenizer_config.json decides the other parts. SentencePiece's
// tokenizer.model is not read.
#include "core/error.hpp"
#include "text/fast_split.hpp"
#include "text/tokenizer_parts.hpp"

namespace assay::text {
namespace {

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

// Returns the class's name without "Fast", which older configurations add.
std::string plain_class(std::string name) {
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

json head_of_class(const std::string &given, const json &config, const std::string &folder) {
  const std::string name = plain_class(given);
  if (name == "Qwen2Tokenizer") return qwen2_head();
  if (name == "GPT2Tokenizer" || name == "CodeGenTokenizer") {
    const auto it = config.find("add_prefix_space");
    return gpt2_head(it != config.end() && it->is_boolean() && it->get<bool>());
  }
  throw error(error_kind::failed,
              "there is no tokenizer.json, and tokenizer_class '" + name +
                  "' is not known (known: Qwen2Tokenizer, GPT2Tokenizer, CodeGenTokenizer)")
      .at(folder)
      .hint("save the tokenizer with a current transformers, which writes tokenizer.json");
}

}  // namespace

std::string class_of(const json &config) {
  const auto it = config.find("tokenizer_class");
  return it != config.end() && it->is_string() ? it->get<std::string>() : "";
}

json default_tokens_of_class(const std::string &name) {
  const char *end = "<|endoftext|>";
  const std::string plain = plain_class(name);
  if (plain == "Qwen2Tokenizer")
    return {{"unk_token", end}, {"eos_token", end}, {"pad_token", end}};
  if (plain == "GPT2Tokenizer" || plain == "CodeGenTokenizer")
    return {{"unk_token", end}, {"bos_token", end}, {"eos_token", end}};
  return json::object();
}

tokenizer_file read_legacy_files(const tokenizer_files &files, const json &config) {
  const auto where = [&](const char *name) { return files.files.at(name).where; };
  tokenizer_file file;
  file.head = head_of_class(class_of(config), config, files.path);
  read_vocab_json(files.of("vocab.json"), where("vocab.json"), file.vocab);
  read_merges_txt(files.of("merges.txt"), where("merges.txt"), file.merges);
  file.head["model"] = {{"type", "BPE"}};
  return file;
}

}  // namespace assay::text
