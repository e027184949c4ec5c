// Finds the base weight of each adapter tensor by its name, and merges A and B into the weight when it is read. Names are
// base_model.model.MODULE.lora_A[.ADAPTER].weight and lora_B for a linear, lora_embedding_A and lora_embedding_B for an embedding; copies
// of the base's embedding and head may lie beside them (peft 0.21, utils/save_and_load.py).
#include "checkpoint/lora_source.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/regular_file.hpp"

namespace assay::model {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view k_prefix = "base_model.model.";
constexpr const char *k_embedding = "model.embed_tokens", *k_head = "lm_head";

// The parts of a tensor's name. `half` is empty if the tensor is neither an A nor a B.
struct adapter_name {
  std::string module, half, adapter;  // "lm_head", "lora_A", "default" or ""
};

adapter_name parse_name(const std::string &name) {
  for (const char *half : {"lora_A", "lora_B", "lora_embedding_A", "lora_embedding_B"}) {
    const std::string part = "." + std::string(half);
    const size_t at = name.find(part);
    if (at == std::string::npos) continue;
    std::string rest = name.substr(at + part.size());
    const bool embedding = part.find("embedding") != std::string::npos;
    if (!embedding && !rest.ends_with(".weight")) continue;
    if (!embedding) rest.resize(rest.size() - std::string(".weight").size());
    if (!rest.empty() && rest[0] != '.') continue;
    if (rest.find('.', 1) != std::string::npos) continue;
    return {name.substr(0, at), half, rest.empty() ? "" : rest.substr(1)};
  }
  return {};
}

// The adapter may store a copy of a matrix of the base. Turns the copy's name into the matrix's name in the base:
// "lm_head.base_layer.weight" -> "lm_head.weight".
std::string copied_name(std::string name) {
  constexpr std::string_view k_wrapper = ".base_layer.";
  const size_t at = name.find(k_wrapper);
  if (at != std::string::npos) name.replace(at, k_wrapper.size(), ".");
  return name;
}

// The addition B A to one weight of the base.
struct update {
  std::string a, b;        // names of the tensors in the adapter
  bool embedding = false;  // the weight is [vocab, width], but B A is [width, vocab]
};

class lora_source : public tensor_source {
 public:
  lora_source(std::shared_ptr<const checkpoint> base, const std::string &folder,
              const lora_config &config)
      : base_(std::move(base)), where_(folder), config_(config) {
    adapter_ = open_safetensors_file((fs::path(folder) / "adapter_model.safetensors").string());
    infos_ = base_->tensors().tensors();
    for (const tensor_info &info : adapter_->tensors()) place(info.name);
    check_halves();
    check_targets();
    check_tied();
    for (tensor_info &info : infos_)
      if (updates_.contains(info.name)) info.dtype = at::kFloat;
  }

  const std::vector<tensor_info> &tensors() const override { return infos_; }

  at::Tensor tensor(const std::string &name) const override {
    const auto found = updates_.find(name);
    if (found == updates_.end()) return base_->tensors().tensor(name);
    const update &u = found->second;
    const at::Tensor a = half(u.a), b = half(u.b);  // A [rank, in], B [out, rank]
    check_rank(name, a, b);
    const at::Tensor weight = base_->tensors().tensor(name).to(at::kFloat);
    at::Tensor delta = at::matmul(b, a) * config_.scale_of(module_of(name));
    if (u.embedding) delta = delta.t();
    if (delta.sizes() != weight.sizes())
      throw error(error_kind::failed,
                  "the adapter of '" + name + "' does not fit the base's weight")
          .at(where_);
    return weight + delta;
  }

 private:
  static std::string module_of(const std::string &weight) {
    return weight.substr(0, weight.size() - std::string(".weight").size());
  }

  at::Tensor half(const std::string &name) const {
    at::Tensor read = adapter_->tensor(name).to(at::kFloat);
    if (!read.isfinite().all().item<bool>())
      throw error(error_kind::failed, "the adapter's tensor '" + name + "' holds NaN or infinity")
          .at(where_)
          .hint("Its training diverged, or the file is damaged");
    return read;
  }

  void check_rank(const std::string &name, const at::Tensor &a, const at::Tensor &b) const {
    if (a.dim() != 2 || b.dim() != 2 || a.size(0) != b.size(1))
      throw error(error_kind::failed, "lora_A and lora_B of '" + name + "' do not fit each other")
          .at(where_);
    if (config_.rank_of(module_of(name)) != static_cast<double>(a.size(0)))
      throw error(error_kind::failed, "lora_A of '" + name + "' has " + std::to_string(a.size(0)) +
                                          " rows, the configuration says another rank")
          .at(where_);
  }

  [[noreturn]] void refuse(const std::string &what) const {
    throw error(error_kind::failed, what).at(where_).hint(k_merge_with_peft);
  }

  // Assigns a tensor of the adapter to a weight of the base. Refuses a tensor that fits none, because ignoring it gives a wrong model.
  void place(const std::string &stored) {
    const std::string name = stored.starts_with(k_prefix) ? stored.substr(k_prefix.size()) : "";
    const adapter_name part = parse_name(name);
    if (!part.half.empty() && base_->tensors().has(part.module + ".weight"))
      return place_half(stored, part);
    if (!part.half.empty() && part.module == k_head) refuse_tied(part.module);
    if (name.empty() || !base_->tensors().has(copied_name(name)))
      refuse("the adapter's tensor '" + stored + "' has no place in the base model");
    require_equal(stored, copied_name(name));
  }

  void place_half(const std::string &stored, const adapter_name &part) {
    if (!adapter_id_) adapter_id_ = part.adapter;
    if (*adapter_id_ != part.adapter)
      refuse("the file holds two adapters, '" + *adapter_id_ + "' and '" + part.adapter + "'");
    update &u = updates_[part.module + ".weight"];
    u.embedding = part.half.starts_with("lora_embedding");
    std::string &which = part.half.ends_with("A") ? u.a : u.b;
    if (!which.empty()) refuse("the adapter has '" + which + "' and '" + stored + "'");
    which = stored;
  }

  // PEFT also stores the whole embedding and head if one of them is adapted or resized. Such a copy must equal the base's matrix.
  void require_equal(const std::string &stored, const std::string &name) const {
    const at::Tensor copy = adapter_->tensor(stored), own = base_->tensors().tensor(name);
    const bool equal = copy.sizes() == own.sizes() && copy.to(at::kFloat).equal(own.to(at::kFloat));
    adapter_->give_back(stored);
    base_->tensors().give_back(name);
    if (!equal)
      refuse("the adapter's matrix '" + stored + "' differs from '" + name +
             "' of the base: it was trained, resized, or made for another base");
  }

  void check_halves() const {
    for (const auto &[name, u] : updates_)
      if (u.a.empty() || u.b.empty())
        throw error(error_kind::failed, "the adapter has only one half of '" +
                                            std::string(k_prefix) + module_of(name) + "'")
            .at(where_)
            .hint("The file is damaged or was not saved whole: get it again");
  }

  // Requires a tensor for each module name that adapter_config.json lists, because an adapter without one of its parts is another model.
  void check_targets() const {
    for (const std::string &target : config_.targets) {
      const bool found = std::any_of(updates_.begin(), updates_.end(), [&](const auto &item) {
        const std::string module = module_of(item.first);
        return module == target || module.ends_with("." + target);
      });
      if (!found)
        throw error(error_kind::failed,
                    "the adapter targets '" + target + "' and has no tensor for it")
            .at(where_);
    }
  }

  // Refuses an adapter of a matrix that is both embedding and head, because PEFT itself is ambiguous there: its forward pass adapts one of
  // the two uses, its merge changes both.
  void check_tied() const {
    const json tie = base_->config().value("tie_word_embeddings", json());
    const std::string head = std::string(k_head) + ".weight",
                      table = std::string(k_embedding) + ".weight";
    const bool has_head = base_->tensors().has(head);
    // Without the key, families differ in what it means; a base without a head is tied.
    if (tie.is_null() ? has_head : tie != true) return;
    if (has_head && !same_values(base_->tensors(), head, table)) return;
    for (const std::string &name : {head, table})
      if (updates_.contains(name)) refuse_tied(module_of(name));
  }

  [[noreturn]] void refuse_tied(const std::string &module) const {
    throw error(error_kind::failed, "the adapter changes '" + module +
                                        "', and the base has one matrix for embedding and head")
        .at(where_)
        .hint(
            "Give the base a head of its own first: a copy of the embedding as lm_head.weight, "
            "and \"tie_word_embeddings\": false");
  }

  std::shared_ptr<const checkpoint> base_;
  std::shared_ptr<const tensor_source> adapter_;
  std::string where_;
  lora_config config_;
  std::vector<tensor_info> infos_;
  std::map<std::string, update> updates_;  // by the name of the base's weight
  std::optional<std::string> adapter_id_;  // the ADAPTER part of the names; all must have the same
};

void require_weights(const std::string &folder) {
  const fs::path root(folder);
  if (is_there((root / "adapter_model.safetensors").string())) return;
  const bool pickle = fs::exists(root / "adapter_model.bin");
  throw error(error_kind::failed,
              pickle ? "the adapter's weights are adapter_model.bin, a pickle, which is not read"
                     : "the adapter has no adapter_model.safetensors")
      .at(folder)
      .hint(pickle ? "Load the adapter with PEFT and save it: save_pretrained writes "
                     "adapter_model.safetensors"
                   : "The download is not complete: get the file too");
}

}  // namespace

std::shared_ptr<const tensor_source> open_lora_source(std::shared_ptr<const checkpoint> base,
                                                      const std::string &folder,
                                                      const lora_config &config) {
  require_weights(folder);
  return std::make_shared<lora_source>(std::move(base), folder, config);
}

}  // namespace assay::model
