// Trains multipliers of scales. Only the plugin's dequantize knows which weight a form stands for. So
// the slope of the weight is measured: the weight with the scales times 2 minus the weight with the
// scales times 1.
#include "quant/tuning/tune_parameters.hpp"

#include <cmath>

#include "quant/linear_run.hpp"

namespace assay::quant {
namespace {

constexpr double k_first_beta = 0.9, k_second_beta = 0.95, k_epsilon = 1e-12;
constexpr double k_affine_tolerance = 1e-5;  // relative; small: scales times 2 or 4 are exact

bool is_plain_float(at::ScalarType type) {
  return type == at::kFloat || type == at::kHalf || type == at::kBFloat16;
}

// The number of columns that share a scale; the last group may be short. The group of kquant/1 shares
// a step; its scales belong to blocks of several groups.
int64_t columns_of_group(const quantized_linear &form, int64_t groups) {
  if (form.note.value("format", "") == "kquant/1") return form.in_features / groups;
  const auto given = form.note.find("group_size");
  if (given != form.note.end() && given->is_number_integer() && given->get<int64_t>() > 0)
    return given->get<int64_t>();
  return (form.in_features + groups - 1) / groups;
}

// The dequantized weight of the form with its scales times `factor`.
at::Tensor weight_at(quantized_linear form, size_t role, double factor) {
  form.tensors[role].tensor = form.tensors[role].tensor * factor;
  return dequantize(form);
}

double size_of(const at::Tensor &t) {
  return t.norm().item<double>();
}

}  // namespace

void adam::step(at::Tensor &value, const at::Tensor &gradient, double rate) {
  if (!first_.defined()) first_ = at::zeros_like(value), second_ = at::zeros_like(value);
  ++n_;
  first_.mul_(k_first_beta).add_(gradient, 1 - k_first_beta);
  second_.mul_(k_second_beta).addcmul_(gradient, gradient, 1 - k_second_beta);
  const double first_bias = 1 - std::pow(k_first_beta, static_cast<double>(n_));
  const double second_bias = 1 - std::pow(k_second_beta, static_cast<double>(n_));
  const at::Tensor spread = (second_ / second_bias).sqrt_().add_(k_epsilon);
  value.addcdiv_(first_, spread, -rate / first_bias);
}

std::optional<tuned_scales> tuned_scales::of(quantized_linear &form, std::string &why) {
  tuned_scales out;
  out.form_ = &form;
  int found = 0;
  for (size_t i = 0; i < form.tensors.size(); ++i)
    if (form.tensors[i].role == "scales") out.role_ = i, ++found;
  if (found != 1) return why = "it has no scales", std::nullopt;
  const auto &scales = form.tensors[out.role_].tensor;
  if (!is_plain_float(scales.scalar_type()) || scales.dim() != 2)
    return why = "its scales are not stored as plain floats", std::nullopt;
  out.group_ = columns_of_group(form, scales.size(1));
  if ((form.in_features + out.group_ - 1) / out.group_ != scales.size(1) ||
      scales.size(0) != form.out_features)
    return why = "its scales do not belong to groups of columns", std::nullopt;
  const auto once = weight_at(form, out.role_, 1), twice = weight_at(form, out.role_, 2);
  out.slope_ = twice - once;
  const auto rest = once - out.slope_;
  const double size = size_of(once);
  if (size_of(rest) > k_affine_tolerance * size) out.base_ = rest;
  const auto expected = out.base_.defined() ? out.base_ + 4 * out.slope_ : 4 * out.slope_;
  if (size_of(weight_at(form, out.role_, 4) - expected) > k_affine_tolerance * size)
    return why = "its weights do not follow its scales", std::nullopt;
  out.multiplier_ = at::ones(scales.sizes(), at::kFloat);
  return out;
}

// Cuts [out, in] into [out, groups, columns of a group]; a short last group is filled with zeros.
at::Tensor tuned_scales::grouped(const at::Tensor &w) const {
  const int64_t groups = multiplier_.size(1), missing = groups * group_ - form_->in_features;
  const auto whole = missing > 0 ? at::constant_pad_nd(w, {0, missing}) : w;
  return whole.view({-1, groups, group_});
}

at::Tensor tuned_scales::weight() const {
  const auto scaled = at::mul(grouped(slope_), multiplier_.unsqueeze(2));
  at::Tensor w = scaled.view({scaled.size(0), -1}).narrow(1, 0, form_->in_features).contiguous();
  return base_.defined() ? w.add_(base_) : w;
}

void tuned_scales::step(const at::Tensor &weight_gradient, double rate) {
  optimizer_.step(multiplier_, at::mul(grouped(weight_gradient), grouped(slope_)).sum(2), rate);
}

int64_t tuned_scales::store() {
  auto &scales = form_->tensors[role_].tensor;
  const auto wanted = scales.to(at::kFloat) * multiplier_;
  const auto stored = wanted.to(scales.scalar_type());
  const auto lost = stored.isfinite().logical_not().logical_or(
      stored.eq(0).logical_and(scales.ne(0)));  // such a scale keeps its old value
  scales = at::where(lost, scales, stored).contiguous();
  return lost.sum().item<int64_t>();
}

}  // namespace assay::quant
