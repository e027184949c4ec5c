// adapter_config.json + adapter_model.safetensors over a base checkpoint.
#include "model/lora.hpp"

#include <cmath>
#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "model/safetensors.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr const char *k_prefix = "base_model.model.";

// What PEFT can do beyond plain LoRA on linears is refused, not ignored.
void check_config(const json &config, const std::string &where) {
  const auto refuse = [&](const std::string &what) {
    throw error(error_kind::failed, "adapter_config.json: " + what + " is not supported")
        .at(where)
        .hint(
            "Supported is plain LoRA on linears (rank, alpha, rslora); merge others with PEFT "
            "first");
  };
  if (config.value("peft_type", "") != "LORA")
    refuse("peft_type '" + config.value("peft_type", "") + "'");
  if (config.value("use_dora", false)) refuse("use_dora");
  if (config.contains("bias") && config["bias"] != "none") refuse("bias " + config["bias"].dump());
  for (const char *key : {"modules_to_save", "rank_pattern", "alpha_pattern",
                          "trainable_token_indices", "layer_replication"})
    if (config.contains(key) && !config[key].is_null() && !config[key].empty()) refuse(key);
}

class lora_source : public tensor_source {
 public:
  lora_source(std::shared_ptr<const checkpoint> base, const std::string &folder, const json &config)
      : base_(std::move(base)), where_(folder) {
    adapter_ = open_safetensors_file((fs::path(folder) / "adapter_model.safetensors").string());
    const double rank = config.value("r", 0), alpha = config.value("lora_alpha", 0.0);
    if (!(rank >= 1))
      throw error(error_kind::failed, "adapter_config.json: 'r' must be at least 1").at(where_);
    scale_ = config.value("use_rslora", false) ? alpha / std::sqrt(rank) : alpha / rank;
    fan_in_fan_out_ = config.value("fan_in_fan_out", false);
    infos_ = base_->tensors().tensors();
    check_names();
    for (tensor_info &info : infos_)
      if (!adapter_name(info.name, "A").empty() && adapter_->has(adapter_name(info.name, "A")))
        info.dtype = at::kFloat;
  }

  const std::vector<tensor_info> &tensors() const override { return infos_; }

  at::Tensor tensor(const std::string &name) const override {
    const std::string a_name = adapter_name(name, "A");
    if (a_name.empty() || !adapter_->has(a_name)) return base_->tensors().tensor(name);
    const at::Tensor a = adapter_->tensor(a_name).to(at::kFloat);                   // [rank, in]
    const at::Tensor b = adapter_->tensor(adapter_name(name, "B")).to(at::kFloat);  // [out, rank]
    const at::Tensor weight = base_->tensors().tensor(name).to(at::kFloat);
    if (a.dim() != 2 || b.dim() != 2 || a.size(0) != b.size(1))
      throw error(error_kind::failed, "lora_A and lora_B of '" + name + "' do not fit each other")
          .at(where_);
    at::Tensor delta = at::matmul(b, a) * scale_;
    if (fan_in_fan_out_ && delta.sizes() != weight.sizes()) delta = delta.t();
    if (delta.sizes() != weight.sizes())
      throw error(error_kind::failed,
                  "the adapter of '" + name + "' does not fit the base's weight")
          .at(where_);
    return weight + delta;
  }

 private:
  // "model.layers.0.x.weight" -> "base_model.model.model.layers.0.x.lora_A.weight"
  static std::string adapter_name(const std::string &name, const char *half) {
    if (name.size() < 7 || name.compare(name.size() - 7, 7, ".weight") != 0) return "";
    return k_prefix + name.substr(0, name.size() - 6) + "lora_" + half + ".weight";
  }

  // Every tensor of the adapter must land somewhere: a forgotten one is a wrong model.
  void check_names() const {
    for (const tensor_info &info : adapter_->tensors()) {
      const size_t at = info.name.find(".lora_");
      const bool known = info.name.rfind(k_prefix, 0) == 0 && at != std::string::npos &&
                         (info.name.compare(at, std::string::npos, ".lora_A.weight") == 0 ||
                          info.name.compare(at, std::string::npos, ".lora_B.weight") == 0);
      const size_t skip = std::string(k_prefix).size();
      if (!known || !base_->tensors().has(info.name.substr(skip, at - skip) + ".weight"))
        throw error(error_kind::failed,
                    "the adapter's tensor '" + info.name + "' has no place in the base model")
            .at(where_);
      const std::string stem = info.name.substr(0, at);
      if (!adapter_->has(stem + ".lora_A.weight") || !adapter_->has(stem + ".lora_B.weight"))
        throw error(error_kind::failed, "the adapter has only one half of '" + stem + "'")
            .at(where_);
    }
  }

  std::shared_ptr<const checkpoint> base_;
  std::shared_ptr<const tensor_source> adapter_;
  std::string where_;
  std::vector<tensor_info> infos_;
  double scale_ = 1;
  bool fan_in_fan_out_ = false;
};

class lora_checkpoint : public checkpoint {
 public:
  lora_checkpoint(const std::string &folder, std::shared_ptr<const checkpoint> base,
                  const json &adapter)
      : base_(std::move(base)) {
    path_ = folder;
    name_ = fs::path(folder).lexically_normal().filename().string();
    config_ = base_->config();
    quant_method_ = base_->quant_method();
    tensors_ = raw_ = std::make_shared<lora_source>(base_, folder, adapter);
  }
  bool is_gguf() const override { return false; }
  std::string tokenizer_json() const override {
    const std::string own = own_file("tokenizer.json");
    return own.empty() ? base_->tokenizer_json() : own;
  }
  std::string tokenizer_config_json() const override {
    const std::string own = own_file("tokenizer_config.json");
    return own.empty() ? base_->tokenizer_config_json() : own;
  }
  std::string chat_template() const override {
    const std::string own = own_file("chat_template.jinja");
    return own.empty() ? base_->chat_template() : own;
  }
  json generation_config() const override { return base_->generation_config(); }

 private:
  std::string own_file(const char *name) const {
    const fs::path file = fs::path(path_) / name;
    return fs::exists(file) ? read_file(file.string()) : "";
  }
  std::shared_ptr<const checkpoint> base_;
};

}  // namespace

bool is_lora_folder(const std::string &folder) {
  return fs::exists(fs::path(folder) / "adapter_config.json") &&
         !fs::exists(fs::path(folder) / "config.json");
}

std::shared_ptr<checkpoint> open_lora(const std::string &folder, const std::string &base) {
  const json config = read_json_file((fs::path(folder) / "adapter_config.json").string());
  if (!config.is_object())
    throw error(error_kind::failed, "adapter_config.json is not an object").at(folder);
  check_config(config, folder);
  const json named = config.value("base_model_name_or_path", json());
  const std::string wanted = !base.empty()       ? base
                             : named.is_string() ? named.get<std::string>()
                                                 : "";
  for (const fs::path &candidate : {fs::path(folder) / wanted, fs::path(wanted)})
    if (!wanted.empty() && fs::exists(candidate / "config.json"))
      return std::make_shared<lora_checkpoint>(folder, checkpoint::open(candidate.string()),
                                               config);
  throw error(error_kind::failed, "the adapter's base model '" + wanted + "' is not here")
      .at(folder)
      .hint(
          "Put the base model's folder there, or correct base_model_name_or_path in "
          "adapter_config.json");
}

}  // namespace assay::model
