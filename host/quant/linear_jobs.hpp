// Makes the jobs of a recipe: which linears are quantized, each with a quantizer instance of its
// own, and every check that is made before work begins.
#pragma once

#include <memory>
#include <vector>

#include "quant/views/linear_view.hpp"

namespace assay::quant {

// One linear to quantize. It has its own instance, because all calls of one instance keep their
// order, whatever the schedule, and because the configuration may differ by linear.
struct linear_job {
  model::linear_op *linear;  // of the result's decoder, or job_list::embedding; borrow
  int32_t index;             // among the linears of the model
  std::unique_ptr<plug::quantizer_instance> quantizer;
  assay_needs needs{};
  double tie_abs_max = 0;   // largest |w| of the linears that consumers fuse with this one
  quantized_linear result;  // empty until done

  bool done() const { return !result.name.empty(); }
  bool at(int64_t block, model::linear_group group) const {
    return linear->block == block && linear->group == group;
  }
  // True if the weight is on a device which the quantizer does not list in its facts.
  bool needs_cpu() const;
  bool whole_block() const { return (needs.schedule & ASSAY_SCHEDULE_WHOLE_BLOCK) != 0; }
};

struct job_list {
  std::vector<linear_job> jobs;  // in the order of the forward pass
  json kept = json::array();     // names of linears that stay in float
  statistics_needs needs;        // of all jobs together
  bool needs_first_token_hessian = false;
  // The embedding as a linear; null where the recipe does not quantize it. In a tied model it is
  // the head too, so that its group is `head`. Its weight is shared with the decoder.
  std::unique_ptr<model::linear_op> embedding;
  bool embedding_is_untied = false;  // then it has no inputs, and is quantized before the pass

  bool is_embedding(const linear_job &job) const {
    return embedding != nullptr && job.linear == embedding.get();
  }
  bool works_on_blocks() const;  // some quantizer works on whole blocks
};

// decoder: the result's. Throws error(usage) for a recipe that cannot be applied, error(failed)
// naming a linear whose weight is not finite.
job_list make_jobs(model::decoder &decoder, const recipe &recipe,
                   const plug::instance_options &options, const std::string &arch_json,
                   ledger &incidents);

// For two linears that are quantized in one call; throws error(usage).
void require_same_config(const linear_job &a, const linear_job &b);

at::Tensor float_weight(const model::linear_op &linear);  // f32 contiguous

}  // namespace assay::quant
