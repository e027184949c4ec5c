// Collects the small files of a subject, chosen by their names and sizes. Only config.json is parsed,
// to see whether it must change; all other files are copied as bytes.
#include "quant/export/subject_files.hpp"

#include <array>
#include <filesystem>

#include "checkpoint/lora.hpp"
#include "core/file.hpp"
#include "core/regular_file.hpp"

namespace assay::quant {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t k_largest_bytes = uint64_t{64} << 20;  // tokenizers have up to 30 MB
constexpr std::array k_not_carried = {".safetensors", ".bin",        ".pt", ".pth",
                                      ".gguf",        ".index.json", ".h5", ".msgpack"};

bool is_carried(const fs::directory_entry &entry) {
  const std::string name = entry.path().filename().string();
  if (entry.is_directory() || name.starts_with(".")) return false;
  if (name.starts_with("adapter_")) return false;  // merged into the weights
  if (name == "README.md" || name == "quantization_metadata.json" || name == "config.json")
    return false;
  for (const char *ending : k_not_carried)
    if (name.ends_with(ending)) return false;
  require_regular_file(entry.path().string());
  return entry.file_size() <= k_largest_bytes;
}

// Returns the bytes of a file. A Git LFS pointer stands for a file that was not downloaded. If that file
// is a part of the model, the pointer is refused. If it is another file, such as a picture, the pointer
// is copied like a file.
std::string carried_bytes(const fs::path &path) {
  constexpr std::array k_model_parts = {".json", ".jinja", ".model", ".txt", ".tiktoken"};
  std::string bytes = read_file(path.string());
  for (const char *ending : k_model_parts)
    if (path.filename().string().ends_with(ending)) refuse_lfs_pointer(bytes, path.string());
  return bytes;
}

// Returns the text of config.json: the file's own text if the file holds exactly `config`, else `config`
// as JSON. The file holds more if the subject is quantized, because `config` has no quantization_config.
std::string config_text(const std::string &file, const json &config) {
  const std::string text = fs::exists(file) ? read_file(file) : "null";
  return parse_json(text, file) == config ? text : json_text(config, 2) + "\n";
}

// True for a GGUF file and for an adapter on a base model. No folder holds all their files, so the
// files are made from what the subject declares.
bool has_no_folder(const model::checkpoint &subject) {
  return subject.is_gguf() || model::is_lora_folder(subject.path());
}

// Adds the files of the folder root/below that an export contains.
void carry(const fs::path &root, const fs::path &below, std::map<std::string, std::string> &files) {
  for (const auto &entry : fs::directory_iterator(root / below))
    if (is_carried(entry))
      files[(below / entry.path().filename()).string()] = carried_bytes(entry.path());
}

}  // namespace

using named_bytes = std::map<std::string, std::string>;

named_bytes subject_files(const model::checkpoint &subject) {
  named_bytes files;
  json config = subject.config();
  config.erase("quantization_config");
  if (has_no_folder(subject)) {
    for (const auto &[name, file] : subject.read_tokenizer().files)
      if (name.find('/') == std::string::npos) files[name] = file.bytes;
    files["config.json"] = json_text(config, 2) + "\n";
    if (const json generation = subject.generation_config(); !generation.is_null())
      files["generation_config.json"] = json_text(generation, 2) + "\n";
    return files;
  }
  const fs::path root(subject.path());
  files["config.json"] = config_text((root / "config.json").string(), config);
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
