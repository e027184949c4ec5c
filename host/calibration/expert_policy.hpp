// Says from which tokens the statistics of an expert are taken while a model is calibrated. A router gives each expert only some of the
// tokens, and an expert that saw fewer tokens than its input is wide has a Hessian without full rank.
#pragma once

#include <cstdint>
#include <string>

#include "model/linear_op.hpp"

namespace assay::quant {

// What is done for an expert with fewer counted tokens than its input is wide; route_all is done for every expert.
enum class expert_policy {
  plain,  // no statistics: all columns count alike, so that a quantizer rounds each weight by itself
  borrow,  // statistics of all tokens of the layer, as if the router had given them to this expert
  route_all,  // all experts take the statistics of all tokens; outputs still come from the routed tokens alone
};
const char *expert_policy_name(expert_policy policy);  // "plain", "borrow" or "route_all"
// Throws error(usage) at `where` for another name.
expert_policy expert_policy_of(const std::string &name, const std::string &where);

// An expert for which the policy was needed, at one of its two inputs.
struct starved_input {
  int64_t block;
  model::linear_input input;
  std::string linear;     // the first linear that reads the input
  int64_t tokens, width;  // counted tokens that the router gave to the expert; width of the input
  expert_policy policy;
};

}  // namespace assay::quant
