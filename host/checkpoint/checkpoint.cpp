// Opens a folder or a GGUF file; a folder's files are read when they are asked for.
#include "checkpoint/checkpoint.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/folder_name.hpp"
#include "checkpoint/gguf_checkpoint.hpp"
#include "checkpoint/gptq_awq.hpp"
#include "checkpoint/lora.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/hash.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr size_t k_hashed_at_once = 32 << 20;  // bytes
constexpr const char *k_readable_methods =
    "compressed-tensors (pack-, int-, float-quantized), gptq (v1, v2) and awq (gemm)";

class folder_checkpoint : public checkpoint {
 public:
  explicit folder_checkpoint(const std::string &folder) {
    path_ = folder;
    name_ = folder_name(folder);
    if (!fs::exists(fs::path(folder) / "config.json"))
      throw error(error_kind::failed, "the folder has no config.json")
          .at(folder)
          .hint("A Hugging Face model folder or a .gguf file is needed");
    config_ = read_json_file((fs::path(folder) / "config.json").string());
    if (!config_.is_object())
      throw error(error_kind::failed, "config.json is not an object").at(folder);
    raw_ = open_safetensors_folder(folder);
    tensors_ = raw_;
    take_separate_quantization("quantize_config.json", "gptq");  // AutoGPTQ before transformers
    take_separate_quantization("quant_config.json", "awq");      // AutoAWQ likewise
    if (config_.contains("quantization_config") && !config_["quantization_config"].is_null())
      open_quantized();
  }

  bool is_gguf() const override { return false; }

  std::string tokenizer_json() const override {
    const fs::path file = fs::path(path_) / "tokenizer.json";
    if (!fs::exists(file))
      throw error(error_kind::failed, "the model has no tokenizer.json")
          .at(path_)
          .hint("Copy the tokenizer files of the base model into the folder");
    return read_file(file.string());
  }
  std::string tokenizer_config_json() const override {
    return optional_file("tokenizer_config.json");
  }

  std::string chat_template() const override {  // formats.md 3.10: the file wins over the key
    std::string text = optional_file("chat_template.jinja");
    if (!text.empty()) return text;
    const std::string config = tokenizer_config_json();
    if (config.empty()) return "";
    const json parsed = parse_json(config, (fs::path(path_) / "tokenizer_config.json").string());
    if (!parsed.contains("chat_template")) return "";
    const json &value = parsed["chat_template"];
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array())
      for (const json &entry : value)
        if (entry.value("name", "") == "default") return entry.value("template", "");
    return "";
  }

  json generation_config() const override {
    const fs::path file = fs::path(path_) / "generation_config.json";
    return fs::exists(file) ? read_json_file(file.string()) : json::object();
  }

 private:
  std::string optional_file(const char *name) const {
    const fs::path file = fs::path(path_) / name;
    return fs::exists(file) ? read_file(file.string()) : "";
  }

  // Older tools described the quantization in a file beside config.json.
  void take_separate_quantization(const char *name, const char *method) {
    const fs::path file = fs::path(path_) / name;
    if (config_.contains("quantization_config") || !fs::exists(file)) return;
    json told = read_json_file(file.string());
    if (!told.is_object())
      throw error(error_kind::failed, std::string(name) + " is not an object").at(path_);
    if (!told.contains("quant_method")) told["quant_method"] = method;
    config_["quantization_config"] = std::move(told);
  }

  // bitsandbytes before it named itself is known by its switches.
  static std::string method_of(const json &quantization) {
    if (!quantization.is_object()) return "unknown";
    if (quantization.contains("quant_method")) return quantization.value("quant_method", "unknown");
    const bool bits_and_bytes =
        quantization.value("load_in_4bit", false) || quantization.value("load_in_8bit", false);
    return bits_and_bytes ? "bitsandbytes" : "unknown";
  }

  void open_quantized() {
    const json &quantization = config_["quantization_config"];
    quant_method_ = method_of(quantization);
    if (quant_method_ == "compressed-tensors")
      tensors_ = std::make_shared<compressed_tensors_source>(raw_, config_, path_);
    else if (quant_method_ == "gptq" || quant_method_ == "awq")
      tensors_ = std::make_shared<gptq_awq_source>(raw_, config_, path_);
    else
      throw error(error_kind::failed,
                  "the checkpoint is quantized by '" + quant_method_ + "', which is not supported")
          .at(path_)
          .hint(std::string("Readable are ") + k_readable_methods);
  }
};

// GGUF by content, never by name alone.
bool begins_with_gguf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, 4) && std::string(magic, 4) == "GGUF";
}

std::shared_ptr<checkpoint> open_any(const std::string &path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status)) throw error(error_kind::failed, "there is no such model").at(path);
  if (fs::is_directory(status) && is_lora_folder(path)) return open_lora(path);
  if (fs::is_directory(status)) return std::make_shared<folder_checkpoint>(path);
  if (begins_with_gguf(path)) return open_gguf_checkpoint(path);
  throw error(error_kind::failed, "the file is not GGUF")
      .at(path)
      .hint("A Hugging Face model folder or a .gguf file is needed");
}

}  // namespace

std::shared_ptr<checkpoint> checkpoint::open(const std::string &path) {
  try {
    return open_any(path);
  } catch (const nlohmann::json::exception &e) {  // a key of another type than the format's
    throw error(error_kind::failed, "a configuration file does not have the expected form")
        .at(path)
        .cause(e.what());
  }
}

std::string checkpoint::provenance_note() const {
  if (!config_.contains("assay_provenance") || !config_["assay_provenance"].is_object()) return "";
  return config_["assay_provenance"].value("note", "");
}

const std::string &checkpoint::fingerprint() const {
  if (!fingerprint_.empty()) return fingerprint_;
  sha256 hash;
  hash.update(canonical_json(config_));
  std::vector<std::string> names;
  for (const tensor_info &info : raw_->tensors()) names.push_back(info.name);
  std::sort(names.begin(), names.end());
  for (const std::string &name : names) {
    const tensor_info &info = *raw_->find(name);
    hash.update(name + '\0' + info.stored + json(info.shape).dump());
    size_t done = 0, all = 0;
    do {  // by pieces, so that a large table is never in memory as a whole
      {
        const at::Tensor bytes = raw_->tensor(name);
        all = bytes.nbytes();
        const size_t piece = std::min(all - done, k_hashed_at_once);
        hash.update(static_cast<const char *>(bytes.data_ptr()) + done, piece);
        done += piece;
      }
      raw_->give_back(name);
    } while (done < all);
  }
  return fingerprint_ = hash.hex();
}

}  // namespace assay::model
