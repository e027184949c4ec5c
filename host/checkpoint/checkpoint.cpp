// Opens a model folder or a GGUF file. Opening a folder reads the configuration and the list of
// tensors. The tokenizer, the templates and the tensor data are read only on request.
#include "checkpoint/checkpoint.hpp"

#include <algorithm>
#include <filesystem>

#include "checkpoint/cache_folder.hpp"
#include "checkpoint/compressed_tensors.hpp"
#include "checkpoint/folder_name.hpp"
#include "checkpoint/folder_weights.hpp"
#include "checkpoint/gguf/gguf_checkpoint.hpp"
#include "checkpoint/gptq_awq.hpp"
#include "checkpoint/lora.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/separate_experts.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr size_t k_hashed_at_once = 32 << 20;  // bytes; then the tensor's pages are freed
constexpr const char *k_readable_methods =
    "compressed-tensors (pack-, int-, float-quantized), gptq (v1, v2) and awq (gemm)";

class folder_checkpoint : public checkpoint {
 public:
  explicit folder_checkpoint(const std::string &folder) {
    path_ = folder;
    name_ = folder_name(folder);
    require_config();
    config_ = read_regular_json((fs::path(folder) / "config.json").string());
    if (!config_.is_object())
      throw error(error_kind::failed, "config.json is not an object").at(folder);
    raw_ = open_safetensors_folder(folder);
    tensors_ = raw_;
    take_older_key();
    take_separate_quantization("quantize_config.json", "gptq");  // older AutoGPTQ
    take_separate_quantization("quant_config.json", "awq");      // older AutoAWQ
    take_separate_quantization("hf_quant_config.json", "modelopt");
    if (config_.contains("quantization_config") && !config_["quantization_config"].is_null())
      open_quantized();
    else
      tensors_ = with_separate_experts(raw_, model_type());
  }

  bool is_gguf() const override { return false; }

  tokenizer_files read_tokenizer() const override { return read_tokenizer_files(path_); }
  json chat_templates() const override { return chat_templates_of(read_template_files(path_)); }

  json generation_config() const override {
    const fs::path file = fs::path(path_) / "generation_config.json";
    return is_there(file.string()) ? read_regular_json(file.string()) : json(nullptr);
  }

 private:
  std::string model_type() const {
    const auto found = config_.find("model_type");
    return found != config_.end() && found->is_string() ? found->get<std::string>() : "";
  }

  void require_config() const {
    if (is_there((fs::path(path_) / "config.json").string())) return;
    const std::string gguf = gguf_file_in(path_);
    throw error(error_kind::failed, "the folder has no config.json")
        .at(path_)
        .hint(gguf.empty() ? "A Hugging Face model folder or a .gguf file is needed"
                           : "It holds GGUF files, give one of them: " + gguf);
  }

  // Renames the older key compression_config to quantization_config. Early versions of
  // compressed-tensors wrote the older key, and at first called their method "sparseml"
  // (vllm-project/vllm, model_executor/model_loader/weight_utils.py, reads both keys).
  void take_older_key() {
    const auto older = config_.find("compression_config");
    if (older == config_.end() || config_.contains("quantization_config")) return;
    json told = *older;
    config_.erase("compression_config");
    if (!told.is_object()) return;
    if (told.value("quant_method", "sparseml") == "sparseml")
      told["quant_method"] = "compressed-tensors";
    config_["quantization_config"] = std::move(told);
  }

  // Reads the description of the quantization from a file beside config.json. Some tools write it
  // there instead of into config.json. `method` is used if the file does not name one.
  void take_separate_quantization(const char *name, const char *method) {
    const fs::path file = fs::path(path_) / name;
    if (config_.contains("quantization_config") || !is_there(file.string())) return;
    json told = read_regular_json(file.string());
    if (!told.is_object())
      throw error(error_kind::failed, std::string(name) + " is not an object").at(path_);
    if (!told.contains("quant_method")) told["quant_method"] = method;
    config_["quantization_config"] = std::move(told);
  }

  // Returns the name of the quantization method. Files of older bitsandbytes do not name it; they
  // are recognized by the switches load_in_4bit and load_in_8bit.
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
          .hint(std::string("assay reads ") + k_readable_methods);
  }
};

// Recognizes a GGUF file by its first bytes, because its name may be anything.
bool begins_with_gguf(const mapped_file &file) {
  return file.size() >= 4 && file.text(0, 4) == "GGUF";
}

[[noreturn]] void refuse_other_file(const std::string &path) {
  const bool in_model = path.ends_with(".safetensors") || path.ends_with(".index.json");
  throw error(error_kind::failed, "the file is not GGUF")
      .at(path)
      .hint(in_model ? "Give the folder that it lies in"
                     : "A Hugging Face model folder or a .gguf file is needed");
}

std::shared_ptr<checkpoint> open_any(const std::string &given) {
  if (!is_there(given)) throw error(error_kind::failed, "there is no such model").at(given);
  const std::string path = snapshot_of(given);
  std::error_code code;
  const bool is_folder = fs::is_directory(path, code);
  if (is_folder && is_lora_folder(path)) return open_lora(path);
  if (is_folder) return std::make_shared<folder_checkpoint>(path);
  const auto file = mapped_file::open(path);  // throws if it is not a plain file
  if (begins_with_gguf(*file)) return open_gguf_checkpoint(path);
  refuse_other_file(path);
}

}  // namespace

std::shared_ptr<checkpoint> checkpoint::open(const std::string &path) {
  try {
    return open_any(path);
  } catch (const nlohmann::json::exception &e) {  // a key has a type that the format does not allow
    throw error(error_kind::failed, "a configuration file does not have the expected form")
        .at(path)
        .cause(e.what());
  }
}

std::vector<int64_t> checkpoint::eos_ids() const {
  const json generation = generation_config();
  const json &from = generation.is_null() ? config_ : generation;
  std::vector<int64_t> ids;
  const auto found = from.find("eos_token_id");
  if (found == from.end() || found->is_null()) return ids;
  for (const json &id : found->is_array() ? *found : json::array({*found})) {
    if (!id.is_number_integer())
      throw error(error_kind::failed,
                  "'eos_token_id' must be a token id or a list of them, not " + found->dump())
          .at(path_);
    ids.push_back(id.get<int64_t>());
  }
  return ids;
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
    // Hashes one piece of the tensor, then frees the tensor's pages. So a large tensor that is borrowed
    // from the file is never in memory as a whole. A tensor that must be dequantized (GGUF) is made
    // once and kept for all its pieces.
    at::Tensor bytes = raw_->tensor(name);
    const size_t all = bytes.nbytes();
    const bool borrowed = all == info.stored_bytes;
    for (size_t done = 0; done < all; done += k_hashed_at_once) {
      if (!bytes.defined()) bytes = raw_->tensor(name);
      hash.update(static_cast<const char *>(bytes.data_ptr()) + done,
                  std::min(all - done, k_hashed_at_once));
      if (!borrowed) continue;
      bytes = at::Tensor();
      raw_->give_back(name);
    }
  }
  return fingerprint_ = hash.hex();
}

}  // namespace assay::model
