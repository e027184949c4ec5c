// Per-token integer rounding of activations.
// The scale is computed in fp32 whatever the compute dtype.
#include "quant/activation.hpp"

#include "core/error.hpp"
#include "core/schema.hpp"

namespace assay::quant {
namespace {

const schema &activation_schema() {
  static const schema k_schema = schema::parse(R"({"type": "object", "properties": {
    "bits": {"type": "integer", "minimum": 4, "maximum": 8, "default": 8, "description": "width of a code"},
    "type": {"type": "string", "enum": ["int"], "default": "int", "description": "kind of grid"},
    "strategy": {"type": "string", "enum": ["token"], "default": "token", "description": "what shares a scale"},
    "dynamic": {"type": "boolean", "default": true, "description": "scales from the input itself"}}})",
                                               "recipe.activation");
  return k_schema;
}

}  // namespace

json complete_activation(const json &scheme) {
  json full = activation_schema().complete(scheme, "recipe.activation");
  if (!full["dynamic"].get<bool>())
    throw error(error_kind::usage, "static activation scales are not implemented")
        .at("recipe.activation")
        .hint("Leave dynamic at true");
  return full;
}

at::Tensor round_per_token(const at::Tensor &x, int64_t bits) {
  const double limit = static_cast<double>((int64_t{1} << (bits - 1)) - 1);
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale = wide.abs().amax(-1, true).div_(limit).clamp_min_(1e-12);
  at::Tensor codes = at::div(wide, scale).round_().clamp_(-limit, limit);
  return codes.mul_(scale).to(x.scalar_type());
}

void set_activation(model::linear_op &linear, const json &scheme) {
  const int64_t bits = scheme["bits"].get<int64_t>();
  const auto before = linear.on_input;
  linear.on_input = [bits, before](const at::Tensor &x) {
    return round_per_token(before ? before(x) : x, bits);
  };
}

}  // namespace assay::quant
