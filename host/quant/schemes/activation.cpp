// Rounds inputs of linears (activations). A dynamic scale is computed for each token while the model
// runs, as vLLM does (checkpoint/FORMATS.md, "Rounding of inputs"). A static scale comes from calibration
// and serves the whole tensor.
#include "quant/schemes/activation.hpp"

#include "core/error.hpp"
#include "core/schema.hpp"
#include "packed/int8_kernel.hpp"

namespace assay::quant {
namespace {

constexpr double k_fp8_max = 448.0;  // the largest number of fp8 E4M3
constexpr double k_fp8_least =
    1.0 / (k_fp8_max * 512.0);  // the smallest dynamic scale of vLLM's kernel
constexpr double k_int_least = model::k_least_input_scale;

const schema &activation_schema() {
  static const schema k_schema = schema::parse(R"({"type": "object", "properties": {
    "bits": {"type": "integer", "minimum": 2, "maximum": 8, "default": 8, "description": "width of a code"},
    "type": {"type": "string", "enum": ["int", "fp8"], "default": "int", "description": "kind of grid"},
    "strategy": {"type": "string", "enum": ["token", "tensor"], "default": "token", "description": "what shares a scale"},
    "dynamic": {"type": ["boolean", "null"], "default": null, "description": "scales from the input itself; default: true for token, false for tensor"},
    "symmetric": {"type": "boolean", "default": true, "description": "no zero point"},
    "clip": {"type": "number", "minimum": 0.1, "maximum": 1, "default": 1, "description": "share of the range that the grid covers"}}})",
                                               "recipe.activation");
  return k_schema;
}

error refuse(const std::string &why, const std::string &hint) {
  return error(error_kind::usage, why).at("recipe.activation").hint(hint);
}

double half_range(int64_t bits) {
  return static_cast<double>((int64_t{1} << (bits - 1)) - 1);
}

at::Tensor to_fp8(const at::Tensor &x) {  // clamped, because a cast of larger numbers gives NaN
  return x.clamp(-k_fp8_max, k_fp8_max).to(at::kFloat8_e4m3fn).to(at::kFloat);
}

// The values scale * (code - zero) nearest to x, with codes 0 .. most.
at::Tensor round_asymmetric(const at::Tensor &x, const at::Tensor &scale, const at::Tensor &zero,
                            double most) {
  return at::div(x, scale).round_().add_(zero).clamp_(0, most).sub_(zero).mul_(scale);
}

}  // namespace

json complete_activation(const json &scheme) {
  json full = activation_schema().complete(scheme, "recipe.activation");
  const bool token = full["strategy"] == "token";
  if (full["dynamic"].is_null()) full["dynamic"] = token;
  if (token != full["dynamic"].get<bool>())
    throw refuse(token ? "a static scale for each token is not possible"
                       : "a dynamic scale for the whole tensor would depend on the batch",
                 "Use strategy 'token' with dynamic scales or 'tensor' with static ones");
  if (full["type"] == "fp8" && full["bits"] != 8)
    throw refuse("fp8 activations have 8 bits", "Leave bits at 8");
  if (full["type"] == "fp8" && !full["symmetric"].get<bool>())
    throw refuse("fp8 activations have no zero point", "Leave symmetric at true");
  return full;
}

bool is_static(const json &complete) {
  return !complete.is_null() && !complete["dynamic"].get<bool>();
}

statistics_needs activation_needs(const json &complete) {
  statistics_needs needs;
  if (!is_static(complete)) return needs;
  needs.abs_max = complete["symmetric"].get<bool>();
  needs.min_max = !needs.abs_max;
  return needs;
}

activation_grid static_grid(const json &complete, const input_statistics &ranges) {
  const double clip = complete["clip"].get<double>();
  const auto bits = complete["bits"].get<int64_t>();
  activation_grid grid;
  if (complete["symmetric"].get<bool>()) {
    if (!ranges.abs_max.defined()) throw error(error_kind::failed, "no input ranges were measured");
    const double limit = complete["type"] == "fp8" ? k_fp8_max : half_range(bits);
    grid.scale = ranges.abs_max.max().reshape({1}).mul(clip).div_(limit).clamp_min_(k_int_least);
    return grid;
  }
  if (!ranges.min.defined()) throw error(error_kind::failed, "no input ranges were measured");
  const double most = static_cast<double>((int64_t{1} << bits) - 1);
  const at::Tensor low = ranges.min.min().reshape({1}).clamp_max(0).mul_(clip),
                   high = ranges.max.max().reshape({1}).clamp_min(0).mul_(clip);
  grid.scale = (high - low).div_(most).clamp_min_(k_int_least);
  grid.zero = at::div(-low, grid.scale).round_().clamp_(0, most);
  return grid;
}

at::Tensor round_per_token(const at::Tensor &x, int64_t bits, bool symmetric, double clip) {
  const at::Tensor wide = x.to(at::kFloat);
  if (symmetric) {
    const double limit = half_range(bits);
    const at::Tensor scale =
        wide.abs().amax(-1, true).mul_(clip).div_(limit).clamp_min_(k_int_least);
    return at::div(wide, scale).round_().clamp_(-limit, limit).mul_(scale).to(x.scalar_type());
  }
  const double most = static_cast<double>((int64_t{1} << bits) - 1);
  const at::Tensor low = wide.amin(-1, true).clamp_max_(0).mul_(clip),
                   high = wide.amax(-1, true).clamp_min_(0).mul_(clip);
  const at::Tensor scale = (high - low).div_(most).clamp_min_(k_int_least);
  const at::Tensor zero = at::div(-low, scale).round_();
  return round_asymmetric(wide, scale, zero, most).to(x.scalar_type());
}

at::Tensor round_fp8_per_token(const at::Tensor &x, double clip) {
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale =
      wide.abs().amax(-1, true).mul_(clip).div_(k_fp8_max).clamp_min_(k_fp8_least);
  return to_fp8(at::div(wide, scale)).mul_(scale).to(x.scalar_type());
}

at::Tensor round_on_grid(const at::Tensor &x, const activation_grid &grid, int64_t bits) {
  const at::Tensor wide = x.to(at::kFloat);
  if (grid.zero.defined())
    return round_asymmetric(wide, grid.scale, grid.zero,
                            static_cast<double>((int64_t{1} << bits) - 1))
        .to(x.scalar_type());
  const double limit = half_range(bits);
  return at::div(wide, grid.scale)
      .round_()
      .clamp_(-limit, limit)
      .mul_(grid.scale)
      .to(x.scalar_type());
}

at::Tensor round_fp8_on_grid(const at::Tensor &x, const activation_grid &grid) {
  return to_fp8(at::div(x.to(at::kFloat), grid.scale)).mul_(grid.scale).to(x.scalar_type());
}

void set_activation(model::linear_op &linear, const json &complete, const activation_grid &grid) {
  const auto bits = complete["bits"].get<int64_t>();
  const bool fp8 = complete["type"] == "fp8", symmetric = complete["symmetric"].get<bool>();
  const double clip = complete["clip"].get<double>();
  if (is_static(complete))
    linear.on_input = [bits, fp8, grid](const at::Tensor &x) {
      return fp8 ? round_fp8_on_grid(x, grid) : round_on_grid(x, grid, bits);
    };
  else if (fp8)
    linear.on_input = [clip](const at::Tensor &x) { return round_fp8_per_token(x, clip); };
  else
    linear.on_input = [bits, symmetric, clip](const at::Tensor &x) {
      return round_per_token(x, bits, symmetric, clip);
    };
  linear.rounds_to_int8 = !is_static(complete) && !fp8 && bits == 8 && symmetric && clip == 1.0;
}

}  // namespace assay::quant
