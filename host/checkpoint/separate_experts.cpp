// Gives the matrices of single experts as views of the tensor that holds all of them.
#include "checkpoint/separate_experts.hpp"

#include <map>

namespace assay::model {
namespace {

const std::string k_gate_up = ".experts.gate_up_proj", k_down = ".experts.down_proj";

// The names of a released checkpoint. Those of transformers 5 are the defaults; it converts them when it
// loads (conversion_mapping.py).
struct spelling {
  std::string module = ".mlp", gate = "gate_proj", up = "up_proj", down = "down_proj";
};

spelling spelling_of(const std::string &model_type) {
  return model_type == "mixtral" ? spelling{".block_sparse_moe", "w1", "w3", "w2"} : spelling{};
}

bool is_fused_pair(const tensor_info &gate_up, const tensor_info *down) {
  return gate_up.shape.size() == 3 && down != nullptr && down->shape.size() == 3 &&
         gate_up.shape[0] == down->shape[0] && gate_up.shape[1] == 2 * down->shape[2] &&
         gate_up.shape[2] == down->shape[1];
}

class separate_experts : public tensor_source {
 public:
  separate_experts(std::shared_ptr<const tensor_source> stored, const spelling &names)
      : stored_(std::move(stored)), names_(names) {
    for (const tensor_info &info : stored_->tensors()) list(info);
  }

  const std::vector<tensor_info> &tensors() const override { return listed_; }

  at::Tensor tensor(const std::string &name) const override {
    const part *found = part_of(name);
    return found ? found->of(stored_->tensor(found->stored)) : stored_->tensor(stored_name(name));
  }

  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override {
    const part *found = part_of(name);
    if (!found) return stored_->tensor_as(stored_name(name), dtype);
    at::Tensor borrowed = found->of(stored_->tensor(found->stored));
    if (borrowed.scalar_type() == dtype) return borrowed;
    const at::Tensor converted = borrowed.to(dtype);
    borrowed = at::Tensor();
    stored_->give_back(found->stored);
    return converted;
  }

  at::Tensor rows(const std::string &name, const at::Tensor &ids) const override {
    return part_of(name) ? tensor_source::rows(name, ids) : stored_->rows(stored_name(name), ids);
  }

  void give_back(const std::string &name) const override {
    const part *found = part_of(name);
    stored_->give_back(found ? found->stored : stored_name(name));
  }

 private:
  // A matrix within a stored tensor of three dimensions.
  struct part {
    std::string stored;
    int64_t expert, first, rows;
    at::Tensor of(const at::Tensor &whole) const {
      return whole.select(0, expert).narrow(0, first, rows);
    }
  };

  void list(const tensor_info &info) {
    const std::string &name = info.name;
    if (name.ends_with(k_gate_up)) {
      const std::string layer = name.substr(0, name.size() - k_gate_up.size());
      if (is_fused_pair(info, stored_->find(layer + k_down))) {
        for (int64_t i = 0; i < info.shape[0]; ++i) {
          add(info, layer, i, names_.gate, 0, info.shape[1] / 2);
          add(info, layer, i, names_.up, info.shape[1] / 2, info.shape[1] / 2);
        }
        return;
      }
    } else if (name.ends_with(k_down)) {
      const std::string layer = name.substr(0, name.size() - k_down.size());
      const tensor_info *gate_up = stored_->find(layer + k_gate_up);
      if (gate_up != nullptr && is_fused_pair(*gate_up, &info)) {
        for (int64_t i = 0; i < info.shape[0]; ++i)
          add(info, layer, i, names_.down, 0, info.shape[1]);
        return;
      }
    }
    tensor_info plain = info;
    const std::string router = ".mlp.gate.weight";
    if (names_.module != ".mlp" && name.ends_with(router)) {
      plain.name = name.substr(0, name.size() - router.size()) + names_.module + ".gate.weight";
      renamed_[plain.name] = name;
    }
    listed_.push_back(std::move(plain));
  }

  // layer: "model.layers.0.mlp"
  void add(const tensor_info &whole, const std::string &layer, int64_t expert,
           const std::string &name, int64_t first, int64_t rows) {
    std::string module = layer;
    if (module.ends_with(".mlp")) module.replace(module.size() - 4, 4, names_.module);
    tensor_info one = whole;
    one.name = module + ".experts." + std::to_string(expert) + "." + name + ".weight";
    one.shape = {rows, whole.shape[2]};
    one.stored_bytes = whole.stored_bytes / static_cast<uint64_t>(whole.numel()) *
                       static_cast<uint64_t>(one.numel());
    parts_[one.name] = {whole.name, expert, first, rows};
    listed_.push_back(std::move(one));
  }

  const part *part_of(const std::string &name) const {
    const auto found = parts_.find(name);
    return found == parts_.end() ? nullptr : &found->second;
  }

  const std::string &stored_name(const std::string &name) const {
    const auto found = renamed_.find(name);
    return found == renamed_.end() ? name : found->second;
  }

  std::shared_ptr<const tensor_source> stored_;
  spelling names_;
  std::vector<tensor_info> listed_;
  std::map<std::string, part> parts_;           // by the name of the expert's matrix
  std::map<std::string, std::string> renamed_;  // name -> name in the file
};

}  // namespace

std::shared_ptr<const tensor_source> with_separate_experts(
    std::shared_ptr<const tensor_source> stored, const std::string &model_type) {
  for (const tensor_info &info : stored->tensors())
    if (info.name.ends_with(k_gate_up) &&
        is_fused_pair(
            info, stored->find(info.name.substr(0, info.name.size() - k_gate_up.size()) + k_down)))
      return std::make_shared<separate_experts>(std::move(stored), spelling_of(model_type));
  return stored;
}

}  // namespace assay::model
