// Collects a subject's small files. What a file is, is read from its name's ending; nothing is
// parsed
// except config.json where it must change.
#include "quant/export/subject_files.hpp"

#include <array>
#include <filesystem>

#include "core/file.hpp"

namespace assay::quant {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t k_largest_bytes = uint64_t{64}
                                     << 20;  // tokenizers reach 30 MB; weights are larger
constexpr std::array k_not_carried = {".safetensors", ".bin",        ".pt", ".pth",
                                      ".gguf",        ".index.json", ".h5", ".msgpack"};

bool is_carried(const fs::directory_entry &entry) {
  const std::string name = entry.path().filename().string();
  if (!entry.is_regular_file() || name.starts_with(".") || entry.file_size() > k_largest_bytes)
    return false;
  if (name == "README.md" || name == "quantization_metadata.json" || name == "config.json")
    return false;
  for (const char *ending : k_not_carried)
    if (name.ends_with(ending)) return false;
  return true;
}

}  // namespace

std::map<std::string, std::string> subject_files(const model::checkpoint &subject) {
  std::map<std::string, std::string> files;
  json config = subject.config();
  const bool quantized = config.contains("quantization_config");
  config.erase("quantization_config");
  if (subject.is_gguf()) {
    files["config.json"] = json_text(config, 2) + "\n";
    files["tokenizer.json"] = subject.tokenizer_json();
    files["tokenizer_config.json"] = subject.tokenizer_config_json() + "\n";
    files["generation_config.json"] = json_text(subject.generation_config(), 2) + "\n";
    if (auto chat = subject.chat_template(); !chat.empty()) files["chat_template.jinja"] = chat;
    return files;
  }
  const fs::path root(subject.path());
  files["config.json"] =
      quantized ? json_text(config, 2) + "\n" : read_file((root / "config.json").string());
  for (const auto &entry : fs::directory_iterator(root))
    if (is_carried(entry))
      files[entry.path().filename().string()] = read_file(entry.path().string());
  return files;
}

}  // namespace assay::quant
