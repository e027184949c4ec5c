// Each shown matrix is a range of rows of a stored one. Scales, zero points and codes of a quantized matrix have a row for each of
// its rows, so they are cut in the same way.
#include "checkpoint/split_parts.hpp"

#include <algorithm>
#include <map>
#include <vector>

#include "checkpoint/quantized_source.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

struct part {
  std::string stored;  // name of the stored tensor or module
  int64_t first, rows;
};

// The parts of one stored matrix, in the order of their rows.
struct cut {
  const char *stored;
  std::vector<std::pair<const char *, int64_t>> parts;  // name and rows; rows 0 = an equal share
};

int64_t number_of(const json &config, const char *key, int64_t absent) {
  const auto found = config.find(key);
  return found != config.end() && found->is_number_integer() ? found->get<int64_t>() : absent;
}

std::vector<cut> cuts_of(const json &config) {
  const int64_t heads = number_of(config, "num_attention_heads", 32),
                kv_heads = number_of(config, "num_key_value_heads", heads),
                hidden = number_of(config, "hidden_size", 3072),
                head_dim = number_of(config, "head_dim", heads > 0 ? hidden / heads : 0);
  return {{"self_attn.qkv_proj",
           {{"self_attn.q_proj", heads * head_dim},
            {"self_attn.k_proj", kv_heads * head_dim},
            {"self_attn.v_proj", kv_heads * head_dim}}},
          {"mlp.gate_up_proj", {{"mlp.gate_proj", 0}, {"mlp.up_proj", 0}}}};
}

class part_list {
 public:
  part_list(const tensor_source &stored, const std::vector<cut> &cuts, const std::string &where) {
    for (const tensor_info &info : stored.tensors()) {
      const auto which = std::find_if(cuts.begin(), cuts.end(), [&](const cut &one) {
        return info.name.ends_with(std::string(".") + one.stored + ".weight");
      });
      if (which == cuts.end())
        infos.push_back(info);
      else
        add(info, *which, where);
    }
  }

  const part *find(const std::string &name) const {
    const auto found = parts_.find(name);
    return found == parts_.end() ? nullptr : &found->second;
  }
  // The names of the parts of a stored module; only its own name if it has none.
  std::vector<std::string> modules_of(const std::string &module) const {
    const auto found = modules_.find(module);
    return found == modules_.end() ? std::vector<std::string>{module} : found->second;
  }

  std::vector<tensor_info> infos;

 private:
  void add(const tensor_info &info, const cut &which, const std::string &where) {
    const std::string ending = std::string(which.stored) + ".weight",
                      before = info.name.substr(0, info.name.size() - ending.size());
    const int64_t rows = info.shape.empty() ? 0 : info.shape[0];
    int64_t sum = 0;
    for (const auto &[name, own] : which.parts)
      sum += own > 0 ? own : rows / static_cast<int64_t>(which.parts.size());
    if (sum != rows || info.shape.size() != 2)
      throw error(error_kind::failed, "'" + info.name + "' has " + std::to_string(rows) +
                                          " rows, its parts need " + std::to_string(sum))
          .at(where)
          .hint("config.json and the weights are of two models; get both again");
    int64_t first = 0;
    for (const auto &[name, own] : which.parts) {
      const int64_t n = own > 0 ? own : rows / static_cast<int64_t>(which.parts.size());
      tensor_info shown = info;
      shown.name = before + name + ".weight";
      shown.shape[0] = n;
      shown.stored_bytes =
          info.stored_bytes / static_cast<uint64_t>(rows) * static_cast<uint64_t>(n);
      infos.push_back(shown);
      parts_[shown.name] = {info.name, first, n};
      parts_[before + name] = {before + which.stored, first, n};
      modules_[before + which.stored].push_back(before + name);
      first += n;
    }
  }

  std::map<std::string, part> parts_;  // of tensors and of modules
  std::map<std::string, std::vector<std::string>> modules_;
};

class split_source : public tensor_source {
 public:
  split_source(std::shared_ptr<const tensor_source> stored, const std::vector<cut> &cuts,
               const std::string &where)
      : stored_(std::move(stored)), list_(*stored_, cuts, where) {}
  const std::vector<tensor_info> &tensors() const override { return list_.infos; }
  at::Tensor tensor(const std::string &name) const override {
    const part *p = list_.find(name);
    return p ? stored_->tensor(p->stored).narrow(0, p->first, p->rows) : stored_->tensor(name);
  }
  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override {
    if (list_.find(name) == nullptr) return stored_->tensor_as(name, dtype);
    at::Tensor out = tensor(name);
    if (out.scalar_type() == dtype) return out;
    out = out.to(dtype);
    give_back(name);
    return out;
  }
  at::Tensor rows(const std::string &name, const at::Tensor &ids) const override {
    const part *p = list_.find(name);
    return p ? stored_->rows(p->stored, ids + p->first) : stored_->rows(name, ids);
  }
  void give_back(const std::string &name) const override {
    const part *p = list_.find(name);
    stored_->give_back(p ? p->stored : name);
  }

 private:
  std::shared_ptr<const tensor_source> stored_;
  part_list list_;
};

class split_quantized_source : public quantized_source {
 public:
  split_quantized_source(std::shared_ptr<const quantized_source> stored,
                         const std::vector<cut> &cuts, const std::string &where)
      : stored_(std::move(stored)), list_(*stored_, cuts, where) {
    for (const std::string &module : stored_->quantized())
      for (std::string &name : list_.modules_of(module)) quantized_.push_back(std::move(name));
  }
  const std::vector<tensor_info> &tensors() const override { return list_.infos; }
  const std::vector<std::string> &quantized() const override { return quantized_; }

  stored_linear read(const std::string &module) const override {
    const part *p = list_.find(module);
    if (p == nullptr) return stored_->read(module);
    stored_linear out = stored_->read(p->stored);
    const int64_t all = out.codes.size(0);
    out.name = module;
    for (at::Tensor *tensor : {&out.codes, &out.scales, &out.zero_points})
      if (tensor->defined() && tensor->size(0) == all)
        *tensor = tensor->narrow(0, p->first, p->rows).contiguous();
    return out;
  }

  at::Tensor tensor(const std::string &name) const override {
    const part *p = list_.find(name);
    return p ? stored_->tensor(p->stored).narrow(0, p->first, p->rows).contiguous()
             : stored_->tensor(name);
  }
  at::Tensor tensor_as(const std::string &name, at::ScalarType dtype) const override {
    return list_.find(name) ? tensor(name).to(dtype) : stored_->tensor_as(name, dtype);
  }

 private:
  std::shared_ptr<const quantized_source> stored_;
  part_list list_;
  std::vector<std::string> quantized_;
};

}  // namespace

std::shared_ptr<const tensor_source> with_split_parts(std::shared_ptr<const tensor_source> stored,
                                                      const json &config,
                                                      const std::string &where) {
  const auto type = config.find("model_type");
  if (type == config.end() || *type != "phi3") return stored;
  const std::vector<cut> cuts = cuts_of(config);
  if (auto quantized = std::dynamic_pointer_cast<const quantized_source>(stored))
    return std::make_shared<split_quantized_source>(std::move(quantized), cuts, where);
  return std::make_shared<split_source>(std::move(stored), cuts, where);
}

}  // namespace assay::model
