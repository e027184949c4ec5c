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

// A GGUF, or an adapter over a base: its files are written from what it declares.
bool has_no_folder(const model::checkpoint &subject) {
  return subject.is_gguf() || !fs::exists(fs::path(subject.path()) / "config.json");
}

void carry(const fs::path &root, const fs::path &below, std::map<std::string, std::string> &files) {
  for (const auto &entry : fs::directory_iterator(root / below))
    if (is_carried(entry))
      files[(below / entry.path().filename()).string()] = read_file(entry.path().string());
}

}  // namespace

using named_bytes = std::map<std::string, std::string>;

named_bytes subject_files(const model::checkpoint &subject) {
  named_bytes files;
  json config = subject.config();
  const bool quantized = config.contains("quantization_config");
  config.erase("quantization_config");
  if (has_no_folder(subject)) {
    for (const auto &[name, file] : subject.read_tokenizer().files)
      if (name.find('/') == std::string::npos) files[name] = file.bytes;
    files["config.json"] = config.dump(2) + "\n";
    if (const json generation = subject.generation_config(); !generation.is_null())
      files["generation_config.json"] = generation.dump(2) + "\n";
    return files;
  }
  const fs::path root(subject.path());
  files["config.json"] =
      quantized ? config.dump(2) + "\n" : read_file((root / "config.json").string());
  carry(root, "", files);
  return files;
}

named_bytes subject_templates(const model::checkpoint &subject) {
  named_bytes files;
  const fs::path root(subject.path());
  if (has_no_folder(subject)) {
    tokenizer_files made;
    put_chat_templates(subject.chat_templates(), made);
    for (const auto &[name, file] : made.files)
      if (name != k_chat_template) files[name] = file.bytes;
  } else if (fs::is_directory(root / k_more_templates)) {
    carry(root, k_more_templates, files);
  }
  return files;
}

}  // namespace assay::quant
