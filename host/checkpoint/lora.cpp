// adapter_config.json + adapter_model.safetensors over a base checkpoint.
#include "checkpoint/lora.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <regex>

#include "checkpoint/folder_name.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr const char *k_prefix = "base_model.model.";

// Keys of a LoraConfig that are read here, or say nothing about the merged weights.
constexpr std::string_view k_known[] = {"peft_type",
                                        "r",
                                        "lora_alpha",
                                        "use_rslora",
                                        "rank_pattern",
                                        "alpha_pattern",
                                        "target_modules",
                                        "base_model_name_or_path",
                                        "bias",
                                        "init_lora_weights",
                                        "fan_in_fan_out",
                                        "exclude_modules",
                                        "layers_to_transform",
                                        "layers_pattern",
                                        "task_type",
                                        "auto_mapping",
                                        "peft_version",
                                        "revision",
                                        "inference_mode",
                                        "lora_dropout",
                                        "megatron_core",
                                        "qalora_group_size",
                                        "eva_config"};
// Ways to begin that leave the base alone. PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA edit it: their
// adapters belong to other weights than the base's.
constexpr std::string_view k_plain_starts[] = {"gaussian", "orthogonal", "eva"};

// What PEFT can do beyond plain LoRA on linears is refused, not ignored.
void check_config(const json &config, const std::string &where) {
  const auto refuse = [&](const std::string &what) {
    throw error(error_kind::failed, "adapter_config.json: " + what + " is not supported")
        .at(where)
        .hint(
            "Supported is plain LoRA on linears (rank, alpha, their patterns, rslora); merge "
            "others "
            "with PEFT first");
  };
  if (config.value("peft_type", "") != "LORA")
    refuse("peft_type '" + config.value("peft_type", "") + "'");
  if (config.contains("bias") && config["bias"] != "none") refuse("bias " + config["bias"].dump());
  const json init = config.value("init_lora_weights", json(true));
  if (init.is_string() && std::find(std::begin(k_plain_starts), std::end(k_plain_starts),
                                    init.get<std::string>()) == std::end(k_plain_starts))
    refuse("init_lora_weights " + init.dump());
  for (const auto &[key, value] : config.items()) {
    const bool off = value.is_null() || value == false || (value.is_structured() && value.empty());
    if (!off && std::find(std::begin(k_known), std::end(k_known), key) == std::end(k_known))
      refuse(key);
  }
}

bool matches(const std::string &module, const std::string &pattern) {
  try {
    return std::regex_match(module, std::regex(pattern));
  } catch (const std::regex_error &) {
    return false;
  }
}

// The value for a module: that of the first pattern that names it, as PEFT looks it up
// (peft/utils/other.py get_pattern_key: the pattern is a name's end, or a regular expression for it).
double of_pattern(const json &config, const char *key, const std::string &module,
                  double otherwise) {
  if (!config.contains(key) || !config[key].is_object()) return otherwise;
  for (const auto &item : config[key].items()) {
    const std::string &pattern = item.key();
    const size_t from = module.size() - std::min(module.size(), pattern.size());
    const bool is_end = module.compare(from, std::string::npos, pattern) == 0 &&
                        (from == 0 || module[from - 1] == '.');
    if (!is_end && !matches(module, "(.*\\.)?(" + pattern + ")")) continue;
    if (!item.value().is_number())
      throw error(error_kind::failed, std::string("adapter_config.json: ") + key + " of '" +
                                          pattern + "' is not a number");
    return item.value().get<double>();
  }
  return otherwise;
}

// What adapter_config.json lists by name must be there: an adapter that lost a part is another model.
void check_targets(const json &config, const tensor_source &adapter, const std::string &where) {
  if (!config.contains("target_modules") || !config["target_modules"].is_array()) return;
  for (const json &target : config["target_modules"]) {
    if (!target.is_string()) continue;
    const std::string end = "." + target.get<std::string>() + ".lora_A.weight";
    const auto &infos = adapter.tensors();
    const bool found = std::any_of(infos.begin(), infos.end(), [&](const tensor_info &info) {
      return info.name.size() >= end.size() &&
             info.name.compare(info.name.size() - end.size(), end.size(), end) == 0;
    });
    if (!found)
      throw error(error_kind::failed, "the adapter targets '" + target.get<std::string>() +
                                          "' and has no tensor for it")
          .at(where);
  }
}

class lora_source : public tensor_source {
 public:
  lora_source(std::shared_ptr<const checkpoint> base, const std::string &folder, const json &config)
      : base_(std::move(base)), where_(folder), config_(config) {
    adapter_ = open_safetensors_file((fs::path(folder) / "adapter_model.safetensors").string());
    rank_ = config.value("r", 0);
    if (rank_ < 1)
      throw error(error_kind::failed, "adapter_config.json: 'r' must be at least 1").at(where_);
    infos_ = base_->tensors().tensors();
    check_names();
    check_targets(config, *adapter_, where_);
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
    const std::string module = name.substr(0, name.size() - std::string(".weight").size());
    const double rank = of_pattern(config_, "rank_pattern", module, static_cast<double>(rank_));
    if (rank != static_cast<double>(a.size(0)))
      throw error(error_kind::failed, "lora_A of '" + name + "' has " + std::to_string(a.size(0)) +
                                          " rows, the configuration says another rank")
          .at(where_);
    const double alpha =
        of_pattern(config_, "alpha_pattern", module, config_.value("lora_alpha", 0.0));
    const bool rslora = config_.value("use_rslora", false);  // arXiv:2312.03732
    // fan_in_fan_out changes nothing: it speaks of layers that store [in, out], and PEFT itself
    // turns it off on linears, which is all that these models have.
    const at::Tensor delta = at::matmul(b, a) * (alpha / (rslora ? std::sqrt(rank) : rank));
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
  json config_;
  std::vector<tensor_info> infos_;
  int64_t rank_ = 0;
};

class lora_checkpoint : public checkpoint {
 public:
  lora_checkpoint(const std::string &folder, std::shared_ptr<const checkpoint> base,
                  const json &adapter)
      : base_(std::move(base)) {
    path_ = folder;
    name_ = folder_name(folder);
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
  if (!fs::exists(fs::path(folder) / "adapter_config.json"))
    throw error(error_kind::failed, "the folder has no adapter_config.json")
        .at(folder)
        .hint("A PEFT adapter is a folder with adapter_config.json and adapter_model.safetensors");
  const json config = read_json_file((fs::path(folder) / "adapter_config.json").string());
  if (!config.is_object())
    throw error(error_kind::failed, "adapter_config.json is not an object").at(folder);
  check_config(config, folder);
  const json named = config.value("base_model_name_or_path", json());
  const std::string wanted = !base.empty()       ? base
                             : named.is_string() ? named.get<std::string>()
                                                 : "";
  if (!base.empty() && fs::exists(base))  // given by the user: any model, a GGUF file too
    return std::make_shared<lora_checkpoint>(folder, checkpoint::open(base), config);
  for (const fs::path &candidate : {fs::path(folder) / wanted, fs::path(wanted)})
    if (!wanted.empty() && fs::exists(candidate / "config.json"))
      return std::make_shared<lora_checkpoint>(folder, checkpoint::open(candidate.string()),
                                               config);
  throw error(error_kind::failed, "the adapter's base model '" + wanted + "' is not here")
      .at(folder)
      .hint(
          "Put the base model's folder there, correct base_model_name_or_path in "
          "adapter_config.json, or give base and adapter apart");
}

}  // namespace assay::model
