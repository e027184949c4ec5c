// oneDNN's linear through the dispatcher; its operators have no C++ header.
#include "model/matmul.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>

#include <optional>
#include <string_view>

#include "model/autograd_linear.hpp"

namespace assay::model {
namespace {

using maybe_tensor = std::optional<at::Tensor>;
using plain_op = at::Tensor(const at::Tensor &, const at::Tensor &, const maybe_tensor &,
                            std::string_view, c10::List<std::optional<at::Scalar>>,
                            std::optional<std::string_view>);
using add_op = at::Tensor(const at::Tensor &, const at::Tensor &, const at::Tensor &,
                          const maybe_tensor &, std::string_view);

struct onednn {
  std::optional<c10::TypedOperatorHandle<plain_op>> plain;
  std::optional<c10::TypedOperatorHandle<add_op>> add;
};

// Looked up once; absent in builds of LibTorch without oneDNN.
const onednn &library() {
  static const onednn found = [] {
    onednn out;
    if (!at::globalContext().hasMKLDNN()) return out;
    auto &dispatcher = c10::Dispatcher::singleton();
    if (auto op = dispatcher.findSchema({"mkldnn::_linear_pointwise", ""}))
      out.plain = op->typed<plain_op>();
    if (auto op = dispatcher.findSchema({"mkldnn::_linear_pointwise", "binary"}))
      out.add = op->typed<add_op>();
    return out;
  }();
  return found;
}

bool applies(const at::Tensor &x, const at::Tensor &weight) {
  return x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         x.device().is_cpu() && weight.device().is_cpu() && weight.dim() == 2 &&
         weight.is_contiguous() && x.dim() >= 2 && x.size(-1) > 0 && x.numel() > x.size(-1) &&
         library().plain.has_value();
}

c10::List<std::optional<at::Scalar>> no_scalars() {
  return c10::List<std::optional<at::Scalar>>();
}

maybe_tensor optional_bias(const at::Tensor &bias) {
  return bias.defined() ? maybe_tensor(bias) : std::nullopt;
}

}  // namespace

at::Tensor fast_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  if (!applies(x, weight)) return at::linear(x, weight, optional_bias(bias));
  if (at::GradMode::is_enabled()) return autograd_linear(x, weight, bias);
  return library().plain->call(x.contiguous(), weight, optional_bias(bias), "none", no_scalars(),
                               std::nullopt);
}

at::Tensor fast_linear_add(const at::Tensor &residual, const at::Tensor &x,
                           const at::Tensor &weight, const at::Tensor &bias) {
  if (at::GradMode::is_enabled() || !applies(x, weight) || !library().add ||
      !residual.is_contiguous() || residual.scalar_type() != at::kFloat)
    return residual + fast_linear(x, weight, bias);
  return library().add->call(x.contiguous(), residual, weight, optional_bias(bias), "add");
}

}  // namespace assay::model
