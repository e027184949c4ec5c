// Makes the jobs of a recipe, and refuses here all that can be refused without calibration data.
#include "quant/linear_jobs.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "plug/registry.hpp"
#include "quant/streaming/held_outer_weight.hpp"

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

// If the group size does not divide the row, the last group is short. Refuses this or adds an incident
// to the ledger, as the recipe says.
void check_groups(const linear_job &job, const recipe &recipe, ledger &incidents) {
  const auto &config = job.quantizer->config();
  const auto found = config.find("group_size");
  if (found == config.end() || !found->is_number_integer()) return;
  const int64_t size = found->get<int64_t>(), width = job.linear->in_features();
  if (size <= 0 || size >= width || width % size == 0) return;
  if (recipe.ragged_error)
    throw error(error_kind::usage, "groups of " + std::to_string(size) +
                                       " do not divide a row of " + std::to_string(width))
        .layer(job.linear->name)
        .hint("Choose a divisor, override this linear, or allow it with ragged = 'short'");
  incidents.add({"ragged_group",
                 job.linear->name,
                 "the last group of each row is short",
                 {{"group_size", size}, {"last", width % size}}});
}

// A tie group is a set of linears that serving programs such as vLLM join to one matrix (q, k, v; gate,
// up). Gives each member the largest |w| in its group.
void share_extremes(std::vector<linear_job> &jobs) {
  std::map<std::string, double> shared;
  for (auto &job : jobs) {
    auto &most = shared[tie_group(*job.linear)];
    most = std::max(most, job.tie_abs_max);
  }
  for (auto &job : jobs)
    if (const auto group = tie_group(*job.linear); !group.empty()) job.tie_abs_max = shared[group];
}

std::unique_ptr<model::linear_op> embedding_of(const model::decoder &decoder) {
  auto embedding = std::make_unique<model::linear_op>();
  embedding->name = "model.embed_tokens";
  embedding->role = "embed";
  embedding->group = model::linear_group::head;
  embedding->weight = decoder.embedding();
  return embedding;
}

class job_maker {
 public:
  job_maker(const recipe &recipe, const plug::instance_options &options,
            const std::string &arch_json, ledger &incidents)
      : recipe_(recipe),
        options_(options),
        arch_json_(arch_json),
        incidents_(incidents),
        component_(plug::plugins().find(plug::kind::quantizer, recipe.quantizer->id)) {}

  job_list make(model::decoder &decoder) {
    for (int64_t block = 0; block < decoder.n_blocks(); ++block) {
      decoder.bring_in(block);
      for (auto *linear : decoder.block(block).linears()) {
        const int32_t place = index_++;
        if (is_kept(recipe_, linear->name, linear->role))
          out_.kept.push_back(linear->name);
        else
          add(decoder, *linear, place, 0);
      }
      decoder.let_go(block);
    }
    add_ends(decoder);
    share_extremes(out_.jobs);
    return std::move(out_);
  }

 private:
  // Adds the embedding and the head. In a tied model both are one matrix.
  void add_ends(model::decoder &decoder) {
    const bool tied = decoder.config().tied;
    const bool keep_head = is_kept(recipe_, "lm_head", "lm_head");
    if (tied && !keep_head && !recipe_.embeddings)
      throw error(error_kind::usage, "this model's head shares its matrix with the embedding")
          .at("recipe.keep")
          .hint("Quantize both with embeddings = true, or add 'lm_head' to keep");
    if (recipe_.embeddings) {
      out_.embedding = embedding_of(decoder);
      out_.embedding_is_untied = !tied;
      add(decoder, *out_.embedding, index_++, tied ? ASSAY_LINEAR_TIED | ASSAY_LINEAR_LM_HEAD : 0u);
    }
    if (!tied && !keep_head)
      add(decoder, decoder.head(), index_++, 0);
    else if (!tied || !recipe_.embeddings)
      out_.kept.emplace_back("lm_head");
  }

  void add(const model::decoder &decoder, model::linear_op &linear, int32_t place, uint32_t flags) {
    const held_outer_weight held(decoder, linear);
    linear_job job{&linear, place, nullptr, {}, 0, {}};
    require_finite(linear);
    const auto [low, high] = linear.weight.aminmax();
    job.tie_abs_max = std::max(std::abs(low.item<double>()), std::abs(high.item<double>()));
    job.quantizer = std::make_unique<plug::quantizer_instance>(
        component_, config_for_linear(recipe_, linear.name, linear.role), options_,
        "recipe.quantizer");
    check_groups(job, recipe_, incidents_);
    linear_view view(linear, place, float_weight(linear), arch_json_, 0);
    view.add_flags(flags);
    job.needs = job.quantizer->needs(view.get());
    const auto needs = needs_of(job.needs);
    if (needs.cross && recipe_.propagation != propagation_policy::asymmetric)
      throw error(error_kind::usage, "'" + component_.id + "' pairs float with quantized inputs")
          .at("recipe.propagation")
          .hint("Set propagation = 'asymmetric'");
    if (job.whole_block() && linear.block < 0)
      throw error(error_kind::usage, "'" + component_.id + "' works on blocks, not on this linear")
          .layer(linear.name)
          .hint("Keep it in float");
    out_.needs |= needs;
    out_.needs_first_token_hessian |= (job.needs.statistics & ASSAY_NEED_HESSIAN_FIRST) != 0;
    out_.jobs.push_back(std::move(job));
  }

  const recipe &recipe_;
  const plug::instance_options &options_;
  const std::string &arch_json_;
  ledger &incidents_;
  const plug::component &component_;
  job_list out_;
  int32_t index_ = 0;
};

}  // namespace

bool linear_job::needs_cpu() const {
  if (linear->weight.is_cpu()) return false;
  const auto &facts = quantizer->made_by().facts;
  const auto devices = facts.find("devices");
  return devices == facts.end() ||
         std::find(devices->begin(), devices->end(), json("cuda")) == devices->end();
}

bool job_list::works_on_blocks() const {
  return std::any_of(jobs.begin(), jobs.end(), [](const auto &job) { return job.whole_block(); });
}

at::Tensor float_weight(const model::linear_op &linear) {
  return linear.weight.to(at::kFloat).contiguous();
}

void require_same_config(const linear_job &a, const linear_job &b) {
  if (a.quantizer->config() != b.quantizer->config())
    throw error(error_kind::usage, "linears of one block have different configurations")
        .layer(b.linear->name)
        .at("recipe.overrides")
        .hint("This quantizer works on whole blocks: match all linears of a block, or keep some");
}

job_list make_jobs(model::decoder &decoder, const recipe &recipe,
                   const plug::instance_options &options, const std::string &arch_json,
                   ledger &incidents) {
  return job_maker(recipe, options, arch_json, incidents).make(decoder);
}

}  // namespace assay::quant
