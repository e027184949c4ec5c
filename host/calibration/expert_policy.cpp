// Names the policies for experts with few tokens.
#include "calibration/expert_policy.hpp"

#include <array>

#include "core/error.hpp"

namespace assay::quant {
namespace {

constexpr std::array k_policies = {expert_policy::plain, expert_policy::borrow,
                                   expert_policy::route_all};

}  // namespace

const char *expert_policy_name(expert_policy policy) {
  switch (policy) {
    case expert_policy::plain:
      return "plain";
    case expert_policy::borrow:
      return "borrow";
    case expert_policy::route_all:
      return "route_all";
  }
  return "?";
}

expert_policy expert_policy_of(const std::string &name, const std::string &where) {
  for (const expert_policy policy : k_policies)
    if (name == expert_policy_name(policy)) return policy;
  throw error(error_kind::usage, "unknown policy for experts, '" + name + "'")
      .at(where)
      .hint("known are plain, borrow and route_all");
}

}  // namespace assay::quant
