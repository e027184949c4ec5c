// Opens a LoRA adapter folder together with its base model as one checkpoint.
#include "checkpoint/lora.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "checkpoint/cache_folder.hpp"
#include "checkpoint/folder_name.hpp"
#include "checkpoint/folder_weights.hpp"
#include "checkpoint/lora_config.hpp"
#include "checkpoint/lora_source.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

class lora_checkpoint : public checkpoint {
 public:
  lora_checkpoint(const std::string &folder, std::shared_ptr<const checkpoint> base,
                  const lora_config &adapter)
      : base_(std::move(base)) {
    path_ = folder;
    name_ = folder_name(folder);
    config_ = base_->config();
    quant_method_ = base_->quant_method();
    tensors_ = raw_ = open_lora_source(base_, folder, adapter);
  }
  bool is_gguf() const override { return false; }
  // An adapter with its own tokenizer.json or vocab.json uses only its own files. Otherwise the
  // base's files are used, and the adapter's files replace those of the same name. Chat templates
  // are the adapter's, or the base's if the adapter has none; they are never mixed.
  tokenizer_files read_tokenizer() const override {
    tokenizer_files own = read_tokenizer_files(path_);
    const json templates = chat_templates();
    if (!own.has(k_tokenizer_json) && !own.has("vocab.json")) {
      tokenizer_files all = base_->read_tokenizer();
      for (auto &[name, file] : own.files) all.files[name] = std::move(file);
      own = std::move(all);
    }
    put_chat_templates(templates, own);
    return own;
  }
  json chat_templates() const override {
    const json own = chat_templates_of(read_template_files(path_));
    return own.empty() ? base_->chat_templates() : own;
  }
  json generation_config() const override { return base_->generation_config(); }

 private:
  std::shared_ptr<const checkpoint> base_;
};

// Lists the subfolders that hold adapters. PEFT saves an adapter that has a name into a subfolder
// of that name.
std::string adapters_in(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto &entry : fs::directory_iterator(folder, code))
    if (fs::exists(entry.path() / "adapter_config.json", code))
      names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string &name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

void require_adapter(const std::string &folder) {
  if (is_there((fs::path(folder) / "adapter_config.json").string())) return;
  const std::string below = adapters_in(folder);
  throw error(error_kind::failed, "the folder has no adapter_config.json")
      .at(folder)
      .hint(below.empty() ? "A PEFT adapter is a folder with adapter_config.json and "
                            "adapter_model.safetensors"
                          : "There are adapters below it: give one of " + below);
}

std::string base_name_in(const std::string &folder) {
  const json config = read_regular_json((fs::path(folder) / "adapter_config.json").string());
  const auto named = config.find("base_model_name_or_path");
  return named != config.end() && named->is_string() ? named->get<std::string>() : "";
}

// Returns whether the folder `candidate` can be the base. The adapter's own folder is excluded,
// because it may hold a config.json and name its base as ".".
bool is_base(const fs::path &candidate, const std::string &adapter) {
  std::error_code code;
  return fs::exists(candidate / "config.json") && !fs::equivalent(candidate, adapter, code);
}

std::shared_ptr<const checkpoint> open_base(const std::string &folder, const std::string &base) {
  if (!base.empty() && fs::exists(base)) return checkpoint::open(base);  // may be a GGUF file
  const std::string wanted = base.empty() ? base_name_in(folder) : base;
  for (const fs::path &candidate : {fs::path(folder) / wanted, fs::path(wanted)}) {
    if (wanted.empty()) continue;
    const std::string found = snapshot_of(candidate.string());
    if (is_base(found, folder)) return checkpoint::open(found);
  }
  throw error(error_kind::failed, "the adapter's base model '" + wanted + "' is not here")
      .at(folder)
      .hint(
          "Put the base model's folder there, correct base_model_name_or_path in "
          "adapter_config.json, or give base and adapter as two folders");
}

}  // namespace

bool is_lora_folder(const std::string &folder) {
  const auto has = [&](const char *name) { return fs::exists(fs::path(folder) / name); };
  if (!has("adapter_config.json")) return false;
  if (!has("config.json") || !has_whole_weights(folder)) return true;
  throw error(error_kind::failed,
              "the folder holds whole weights and an adapter (adapter_config.json), which may or "
              "may not be merged into them")
      .at(folder)
      .hint(
          "If it is merged, move the adapter_* files elsewhere; if not, give base and adapter as "
          "two folders");
}

std::shared_ptr<checkpoint> open_lora(const std::string &folder, const std::string &base) {
  require_adapter(folder);
  try {
    const lora_config config = read_lora_config(folder);
    return std::make_shared<lora_checkpoint>(folder, open_base(folder, base), config);
  } catch (const nlohmann::json::exception &e) {
    throw error(error_kind::failed, "adapter_config.json does not have the expected form")
        .at(folder)
        .cause(e.what());
  }
}

}  // namespace assay::model
