// The linears of a recipe, each with a quantizer instance of its own: which are worked on, and what
// is refused before any work is done. Not the work (quantize.cpp).
#pragma once

#include <memory>
#include <vector>

#include "quant/views/layer_view.hpp"

namespace assay::quant {

// All calls of one instance keep their order, whatever the schedule.
struct linear_task {
  model::linear_op *linear;  // of the result's decoder, or of task_list::table; borrow
  int32_t index;             // among the linears of the model
  std::unique_ptr<plug::quantizer_instance> quantizer;
  assay_needs needs{};
  double tie_abs_max = 0;
  quantized_linear form;  // empty until done

  bool done() const { return !form.name.empty(); }
  bool at(int64_t block, model::linear_group group) const {
    return linear->block == block && linear->group == group;
  }
  // The weight lies on a device that the quantizer does not claim to work on.
  bool needs_cpu() const;
  bool whole_block() const { return (needs.schedule & ASSAY_SCHEDULE_WHOLE_BLOCK) != 0; }
};

struct task_list {
  std::vector<linear_task> tasks;  // forward order
  json kept = json::array();       // names of linears that stay in float
  statistics_needs needs;          // of all tasks together
  bool first = false;              // some want the Hessian of position 0
  // The embedding as a linear, where the recipe quantizes it: its group is `head` in a tied model,
  // whose head it is. Its weight is a share of the decoder's.
  std::unique_ptr<model::linear_op> table;
  bool table_alone = false;  // an untied table: worked on without the calibration pass
};

// Throws error(usage) for what the recipe may not ask, error(failed) naming a linear whose weight
// is not finite. decoder: the result's.
task_list make_tasks(model::decoder &decoder, const recipe &what,
                     const plug::instance_options &options, const std::string &arch_json,
                     ledger &incidents);

// Of two linears that are worked on in one call; throws error(usage).
void require_same_config(const linear_task &a, const linear_task &b);

at::Tensor float_weight(const model::linear_op &linear);  // f32 contiguous

}  // namespace assay::quant
