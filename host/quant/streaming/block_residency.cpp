// Forms whose tensors lie on disk keep their shapes and dtypes (meta tensors): counting and planning
// need no more, an export fetches them block by block.
#include "quant/streaming/block_residency.hpp"

#include <algorithm>
#include <map>

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "quant/linear_run.hpp"

namespace assay::quant {
namespace {

// But for single numbers: the scale of an input is as small as its shape.
void drop_values(quantized_linear &form) {
  for (auto &part : form.tensors)
    if (part.tensor.numel() > 1) part.tensor = model::without_values(part.tensor);
}

// Remembers the block that was asked for last: exports go from block to block.
class stored_forms {
 public:
  explicit stored_forms(std::shared_ptr<const resume_store> store) : store_(std::move(store)) {}

  const quantized_linear &find(const std::string &name, int64_t block) {
    if (block != at_) last_ = store_->load(block).forms;
    at_ = block;
    for (const auto &form : last_)
      if (form.name == name) return form;
    throw error(error_kind::failed, "the stored block lacks this linear").layer(name);
  }

 private:
  std::shared_ptr<const resume_store> store_;
  std::vector<quantized_linear> last_;
  int64_t at_ = -1;
};

}  // namespace

const quantized_linear &whole_form(const quantized_model &model, const std::string &name) {
  const auto &form = model.forms.at(name);
  const bool away = std::any_of(form.tensors.begin(), form.tensors.end(),
                                [](const form_tensor &part) { return part.tensor.is_meta(); });
  return away ? model.fetch(name) : form;
}

void block_keeper::open(const std::string &folder, const json &identity) {
  store_ = std::make_shared<resume_store>(folder, identity);
  mark_ = out_.incidents.entries().size();
  if (!out_.decoder.on_demand()) return;
  std::map<std::string, int64_t> blocks;
  for (const auto &t : list_.tasks) blocks[t.linear->name] = t.linear->block;
  out_.fetch = [forms = std::make_shared<stored_forms>(store_),
                blocks = std::move(blocks)](const std::string &name) -> const quantized_linear & {
    return forms->find(name, blocks.at(name));
  };
}

linear_task &block_keeper::task_of(const std::string &name) {
  for (auto &t : list_.tasks)
    if (t.linear->name == name) return t;
  throw error(error_kind::failed, "a stored block has a linear that the recipe keeps").layer(name);
}

void block_keeper::restore() {
  if (!store_) return;
  const bool on_demand = out_.decoder.on_demand();
  for (; restored_ < std::min(store_->n_done(), out_.decoder.n_blocks()); ++restored_) {
    throw_if_cancelled();
    auto stored = store_->load(restored_);
    for (auto &form : stored.forms) {
      auto &task = task_of(form.name);
      if (on_demand)
        drop_values(form);
      else
        put_weight_(task, dequantize(form));
      put_form_(task, std::move(form));
    }
    for (auto &entry : stored.incidents) out_.incidents.add(std::move(entry));
  }
  mark_ = out_.incidents.entries().size();
}

void block_keeper::begin(int64_t block) {
  if (!out_.decoder.on_demand() || block < 0) return;
  out_.decoder.bring_in(block);
  if (block >= restored_) return;
  for (const auto &form : store_->load(block).forms)
    put_weight_(task_of(form.name), dequantize(form));
}

void block_keeper::finish(int64_t block) {
  if (store_ && block >= restored_) save(block);
  if (block >= 0) out_.decoder.let_go(block);
}

void block_keeper::read_quantized() {
  if (!out_.decoder.on_demand()) return;
  std::map<int64_t, std::vector<quantized_linear>>
      forms;  // by block; with a store its values lie there
  for (const auto *linear : std::as_const(out_.decoder).linears())
    if (const auto found = out_.forms.find(linear->name); found != out_.forms.end())
      forms[linear->block].push_back(found->second);
  out_.decoder.on_read = [before = out_.decoder.on_read, store = store_,
                          forms = std::move(forms)](model::decoder_block &block) {
    if (before) before(block);
    const auto mine = forms.find(block.index);
    if (mine == forms.end()) return;
    const auto whole = store ? store->load(block.index).forms : mine->second;
    for (auto *linear : block.linears())
      for (const auto &form : whole)
        if (form.name == linear->name)
          linear->weight =
              dequantize(form).to(linear->weight.device(), linear->weight.scalar_type());
  };
}

void block_keeper::save(int64_t block) {
  stored_block finished;
  for (const auto &t : list_.tasks)
    if (t.linear->block == block) finished.forms.push_back(t.form);
  const auto entries = out_.incidents.entries();
  finished.incidents.assign(entries.begin() + static_cast<std::ptrdiff_t>(mark_), entries.end());
  mark_ = entries.size();
  store_->save(block, finished);
  if (!out_.decoder.on_demand()) return;
  for (auto &t : list_.tasks)
    if (t.linear->block == block) drop_values(t.form);
}

}  // namespace assay::quant
