// Reads the fields of LoraConfig (peft 0.21, tuners/lora/config.py) from adapter_config.json and refuses what is not plain LoRA.
#include "checkpoint/lora_config.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <regex>
#include <string_view>

#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {

const char *const k_merge_with_peft =
    "Merge it first: PeftModel.from_pretrained(base, "
    "adapter).merge_and_unload().save_pretrained(folder) with PEFT, and "
    "give that folder";

namespace {

// Keys that are read, or that do not affect the merged weights, such as those that only describe the training. fan_in_fan_out has no effect
// because PEFT turns it off for linears and ignores it for embeddings, and these models have no other kind (tuners/lora/layer.py).
constexpr std::string_view k_known[] = {"peft_type",      "r",
                                        "lora_alpha",     "use_rslora",
                                        "rank_pattern",   "alpha_pattern",
                                        "target_modules", "base_model_name_or_path",
                                        "bias",           "init_lora_weights",
                                        "fan_in_fan_out", "exclude_modules",
                                        "layers_pattern", "layers_to_transform",
                                        "task_type",      "auto_mapping",
                                        "peft_version",   "revision",
                                        "inference_mode", "lora_dropout",
                                        "megatron_core",  "qalora_group_size",
                                        "eva_config",     "runtime_config"};

// Values of init_lora_weights that do not change the base's weights. PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA change them, so that their
// adapters do not fit the base as it is on disk.
constexpr std::string_view k_plain_starts[] = {"gaussian", "orthogonal", "eva", "mica"};

// Keys of adapters that even PEFT cannot merge into weights, each with its own hint.
struct special_key {
  std::string_view key;
  const char *hint;
};
constexpr special_key k_special[] = {
    {"alora_invocation_tokens",
     "An activated LoRA acts on a part of the tokens only and cannot be merged into weights"},
    {"arrow_config",
     "Arrow chooses among adapters for every token and cannot be merged into weights"},
};

class config_reader {
 public:
  config_reader(const json &config, const std::string &where) : config_(config), where_(where) {}

  [[noreturn]] void refuse(const std::string &what, const char *hint = k_merge_with_peft) const {
    throw error(error_kind::failed, "adapter_config.json: " + what + " is not supported")
        .at(where_)
        .hint(hint);
  }
  [[noreturn]] void malformed(const std::string &what) const {
    throw error(error_kind::failed, "adapter_config.json: " + what)
        .at(where_)
        .hint("Copy the adapter_config.json that PEFT wrote");
  }

  bool has(const char *key) const { return config_.contains(key) && !config_[key].is_null(); }

  // Returns `absent` if the key is absent, as PEFT fills it in. Refuses null, on which PEFT fails.
  double number(const char *key, double absent) const {
    if (!config_.contains(key)) return absent;
    const json &value = config_[key];
    if (!value.is_number() || !std::isfinite(value.get<double>()))
      malformed(std::string("'") + key + "' is not a number");
    return value.get<double>();
  }

  bool flag(const char *key) const {
    if (!has(key)) return false;
    if (!config_[key].is_boolean()) malformed(std::string("'") + key + "' is not true or false");
    return config_[key].get<bool>();
  }

  json pattern(const char *key) const {
    if (!has(key)) return json::object();
    if (!config_[key].is_object()) malformed(std::string("'") + key + "' is not an object");
    for (const auto &item : config_[key].items())
      if (!item.value().is_number())
        malformed(std::string(key) + " of '" + item.key() + "' is not a number");
    return config_[key];
  }

  std::vector<std::string> targets() const {
    std::vector<std::string> names;
    if (!has("target_modules") || !config_["target_modules"].is_array()) return names;
    for (const json &target : config_["target_modules"])
      if (target.is_string()) names.push_back(target.get<std::string>());
    return names;
  }

  void check_kind() const {
    const json type = config_.value("peft_type", json());
    if (type != "LORA")
      refuse("peft_type " + (type.is_string() ? "'" + type.get<std::string>() + "'" : type.dump()));
    if (has("bias") && config_["bias"] != "none") refuse("bias " + config_["bias"].dump());
    const json init = config_.value("init_lora_weights", json(true));
    if (init.is_string() && std::find(std::begin(k_plain_starts), std::end(k_plain_starts),
                                      init.get<std::string>()) == std::end(k_plain_starts))
      refuse("init_lora_weights " + init.dump());
  }

  // Refuses a key that is not in k_known and is switched on, because it asks for more than plain
  // LoRA. Keys that are null, false or an empty list or object are off.
  void check_keys() const {
    for (const auto &item : config_.items()) {
      const std::string &key = item.key();
      const json &value = item.value();
      const bool off =
          value.is_null() || value == false || (value.is_structured() && value.empty());
      if (off || std::find(std::begin(k_known), std::end(k_known), key) != std::end(k_known))
        continue;
      const auto *special = std::find_if(std::begin(k_special), std::end(k_special),
                                         [&](const special_key &row) { return row.key == key; });
      refuse(key, special == std::end(k_special) ? k_merge_with_peft : special->hint);
    }
  }

 private:
  const json &config_;
  const std::string &where_;
};

bool matches(const std::string &module, const std::string &pattern) {
  try {
    return std::regex_match(module, std::regex(pattern));
  } catch (const std::regex_error &) {
    return false;
  }
}

// Returns the value of the first pattern that matches the module, or `otherwise` if none does. As in PEFT (peft/utils/other.py,
// get_pattern_key), a pattern is the end of the module's name, or a regular expression that matches this end.
double of_pattern(const json &patterns, const std::string &module, double otherwise) {
  for (const auto &item : patterns.items()) {
    const std::string &pattern = item.key();
    const size_t from = module.size() - std::min(module.size(), pattern.size());
    const bool is_end = module.compare(from, std::string::npos, pattern) == 0 &&
                        (from == 0 || module[from - 1] == '.');
    if (is_end || matches(module, "(.*\\.)?(" + pattern + ")")) return item.value().get<double>();
  }
  return otherwise;
}

}  // namespace

double lora_config::rank_of(const std::string &module) const {
  return of_pattern(rank_pattern, module, rank);
}

double lora_config::scale_of(const std::string &module) const {
  const double own_rank = rank_of(module);
  return of_pattern(alpha_pattern, module, alpha) / (rslora ? std::sqrt(own_rank) : own_rank);
}

lora_config read_lora_config(const std::string &folder) {
  const json config =
      read_regular_json((std::filesystem::path(folder) / "adapter_config.json").string());
  if (!config.is_object())
    throw error(error_kind::failed, "adapter_config.json is not an object").at(folder);
  const config_reader in(config, folder);
  in.check_kind();
  in.check_keys();
  lora_config out;
  out.rank = in.number("r", out.rank);
  if (out.rank < 1) in.malformed("'r' must be at least 1");
  out.alpha = in.number("lora_alpha", out.alpha);
  out.rslora = in.flag("use_rslora");
  out.rank_pattern = in.pattern("rank_pattern");
  out.alpha_pattern = in.pattern("alpha_pattern");
  out.targets = in.targets();
  return out;
}

}  // namespace assay::model
