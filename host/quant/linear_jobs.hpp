// Makes the jobs of a recipe. A job is one linear to quantize, with a quantizer instance of its
// own. All checks that need no calibration data are made here.
#pragma once

#include <memory>
#include <vector>

#include "quant/views/linear_view.hpp"

namespace assay::quant {

// One linear to quantize. It has a quantizer instance of its own for two reasons: the calls into an
// instance for one linear must keep their order (needs, observe, quantize), and the configuration may
// differ by linear.
struct linear_job {
  model::linear_op *linear;  // of the result's decoder, or job_list::embedding; borrowed
  int32_t index;             // place among the linears of the model
  std::unique_ptr<plug::quantizer_instance> quantizer;
  assay_needs needs{};
  double tie_abs_max = 0;   // largest |w| of this linear and the others of its tie group
  quantized_linear result;  // empty until done

  bool done() const { return !result.name.empty(); }
  bool at(int64_t block, model::linear_input input) const {
    return linear->block == block && linear->input() == input;
  }
  // True if the weight is not on the CPU, and the facts that the quantizer declares do not list
  // "cuda" among its devices.
  bool needs_cpu() const;
  bool whole_block() const { return (needs.schedule & ASSAY_SCHEDULE_WHOLE_BLOCK) != 0; }
};

struct job_list {
  std::vector<linear_job> jobs;  // blocks in forward order, then the embedding, then the head
  json kept = json::array();     // names of linears that stay in float
  statistics_needs needs;        // of all jobs together
  bool needs_first_token_hessian = false;
  // The embedding as a linear; null if the recipe does not quantize it. Its group is `head`,
  // because in a tied model it is the head too. Its weight is shared with the decoder.
  std::unique_ptr<model::linear_op> embedding;
  bool embedding_is_untied = false;  // then it has no inputs and is quantized before the pass

  bool is_embedding(const linear_job &job) const {
    return embedding != nullptr && job.linear == embedding.get();
  }
  bool works_on_blocks() const;  // true if some quantizer works on whole blocks
};

// decoder: that of the result; jobs borrow its linears. arch_json: facts of the model for plugins.
// Throws error(usage) for a recipe that cannot be applied, and error(failed), which names the linear,
// if a weight is not finite.
job_list make_jobs(model::decoder &decoder, const recipe &recipe,
                   const plug::instance_options &options, const std::string &arch_json,
                   ledger &incidents);

// For two linears that are quantized in one call: throws error(usage) if their configurations differ.
void require_same_config(const linear_job &a, const linear_job &b);

at::Tensor float_weight(const model::linear_op &linear);  // f32 contiguous

}  // namespace assay::quant
