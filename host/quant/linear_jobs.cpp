// Makes the tasks of a recipe. Everything that can be refused without data is refused here.
#include "quant/linear_jobs.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "plug/registry.hpp"
#include "quant/streaming/held_table.hpp"

namespace assay::quant {
namespace {

void require_finite(const model::linear_op &linear) {
  const auto &w = linear.weight;
  if (std::isfinite(w.sum(at::kDouble).item<double>())) return;
  const auto bad = w.isfinite().logical_not().nonzero();  // [n, 2]
  throw error(error_kind::failed, "weight [" + std::to_string(bad[0][0].item<int64_t>()) + ", " +
                                      std::to_string(bad[0][1].item<int64_t>()) +
                                      "] is not finite, one of " + std::to_string(bad.size(0)))
      .layer(linear.name)
      .hint("Look for NaN or Inf in the subject");
}

// A group size that does not divide the row leaves a short last group: counted, or refused.
void check_groups(const linear_task &t, const recipe &what, ledger &incidents) {
  const auto &config = t.quantizer->config();
  const auto found = config.find("group_size");
  if (found == config.end() || !found->is_number_integer()) return;
  const int64_t size = found->get<int64_t>(), width = t.linear->in_features();
  if (size <= 0 || size >= width || width % size == 0) return;
  if (what.ragged_error)
    throw error(error_kind::usage, "groups of " + std::to_string(size) +
                                       " do not divide a row of " + std::to_string(width))
        .layer(t.linear->name)
        .hint("Choose a divisor, override this linear, or allow it with ragged = 'short'");
  incidents.add({"ragged_group",
                 t.linear->name,
                 "the last group of each row is short",
                 {{"group_size", size}, {"last", width % size}}});
}

// max |w| over the members of each tie group.
void share_extremes(std::vector<linear_task> &tasks) {
  std::map<std::string, double> shared;
  for (auto &t : tasks) {
    auto &most = shared[tie_group(*t.linear)];
    most = std::max(most, t.tie_abs_max);
  }
  for (auto &t : tasks)
    if (const auto group = tie_group(*t.linear); !group.empty()) t.tie_abs_max = shared[group];
}

std::unique_ptr<model::linear_op> table_of(const model::decoder &decoder) {
  auto table = std::make_unique<model::linear_op>();
  table->name = "model.embed_tokens";
  table->role = "embed";
  table->group = model::linear_group::head;
  table->weight = decoder.embedding();
  return table;
}

class maker {
 public:
  maker(const recipe &what, const plug::instance_options &options, const std::string &arch_json,
        ledger &incidents)
      : what_(what),
        options_(options),
        arch_json_(arch_json),
        incidents_(incidents),
        component_(plug::plugins().find(plug::kind::quantizer, what.quantizer->id)) {}

  task_list make(model::decoder &decoder) {
    for (int64_t block = 0; block < decoder.n_blocks(); ++block) {
      decoder.bring_in(block);
      for (auto *linear : decoder.block(block).linears()) {
        const int32_t place = index_++;
        if (is_kept(what_, linear->name, linear->role))
          out_.kept.push_back(linear->name);
        else
          add(decoder, *linear, place, 0);
      }
      decoder.let_go(block);
    }
    add_ends(decoder);
    share_extremes(out_.tasks);
    return std::move(out_);
  }

 private:
  // The embedding and the head. One table serves both in a tied model.
  void add_ends(model::decoder &decoder) {
    const bool tied = decoder.config().tied;
    const bool keep_head = is_kept(what_, "lm_head", "lm_head");
    if (tied && !keep_head && !what_.embeddings)
      throw error(error_kind::usage, "this model's head shares its table with the embedding")
          .at("recipe.keep")
          .hint("Quantize both with embeddings = true, or add 'lm_head' to keep");
    if (what_.embeddings) {
      out_.table = table_of(decoder);
      out_.table_alone = !tied;
      add(decoder, *out_.table, index_++, tied ? ASSAY_LAYER_TIED | ASSAY_LAYER_LM_HEAD : 0u);
    }
    if (!tied && !keep_head)
      add(decoder, decoder.head(), index_++, 0);
    else if (!tied || !what_.embeddings)
      out_.kept.emplace_back("lm_head");
  }

  void add(const model::decoder &decoder, model::linear_op &linear, int32_t place, uint32_t flags) {
    const held_table held(decoder, linear);
    linear_task t{&linear, place, nullptr, {}, 0, {}};
    require_finite(linear);
    const auto [low, high] = linear.weight.aminmax();
    t.tie_abs_max = std::max(std::abs(low.item<double>()), std::abs(high.item<double>()));
    t.quantizer = std::make_unique<plug::quantizer_instance>(
        component_, config_for_linear(what_, linear.name, linear.role), options_,
        "recipe.quantizer");
    check_groups(t, what_, incidents_);
    layer_view view(linear, place, float_weight(linear), arch_json_, 0);
    view.add_flags(flags);
    t.needs = t.quantizer->needs(view.get());
    const auto needs = needs_of(t.needs);
    if (needs.cross && what_.propagation != propagation_policy::asymmetric)
      throw error(error_kind::usage, "'" + component_.id + "' pairs float with quantized inputs")
          .at("recipe.propagation")
          .hint("Set propagation = 'asymmetric'");
    if (t.whole_block() && linear.block < 0)
      throw error(error_kind::usage, "'" + component_.id + "' works on blocks, not on this linear")
          .layer(linear.name)
          .hint("Keep it in float");
    out_.needs |= needs;
    out_.first |= (t.needs.statistics & ASSAY_NEED_HESSIAN_FIRST) != 0;
    out_.tasks.push_back(std::move(t));
  }

  const recipe &what_;
  const plug::instance_options &options_;
  const std::string &arch_json_;
  ledger &incidents_;
  const plug::component &component_;
  task_list out_;
  int32_t index_ = 0;
};

}  // namespace

bool linear_task::needs_cpu() const {
  if (linear->weight.is_cpu()) return false;
  const auto &facts = quantizer->made_by().facts;
  const auto devices = facts.find("devices");
  return devices == facts.end() ||
         std::find(devices->begin(), devices->end(), json("cuda")) == devices->end();
}

at::Tensor float_weight(const model::linear_op &linear) {
  return linear.weight.to(at::kFloat).contiguous();
}

void require_same_config(const linear_task &a, const linear_task &b) {
  if (a.quantizer->config() != b.quantizer->config())
    throw error(error_kind::usage, "linears of one block have different configurations")
        .layer(b.linear->name)
        .at("recipe.overrides")
        .hint("This quantizer works on whole blocks: match all linears of a block, or keep some");
}

task_list make_tasks(model::decoder &decoder, const recipe &what,
                     const plug::instance_options &options, const std::string &arch_json,
                     ledger &incidents) {
  return maker(what, options, arch_json, incidents).make(decoder);
}

}  // namespace assay::quant
