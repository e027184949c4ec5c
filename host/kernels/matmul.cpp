// Chooses how to compute x Wᵀ. It calls oneDNN's linear through LibTorch's dispatcher, because LibTorch
// has no C++ header for the operators of oneDNN.
#include "kernels/matmul.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "core/error.hpp"
#include "kernels/attention_tile.hpp"
#include "kernels/autograd_linear.hpp"
#include "kernels/row_product.hpp"
#include "kernels/threads.hpp"

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
  bool narrow = false;  // this processor multiplies bfloat16 itself
};

// Looks the operators up once. A LibTorch that was built without oneDNN has none of them.
const onednn &library() {
  static const onednn found = [] {
    onednn out;
    if (!at::globalContext().hasMKLDNN()) return out;
    auto &dispatcher = c10::Dispatcher::singleton();
    if (auto op = dispatcher.findSchema({"mkldnn::_linear_pointwise", ""}))
      out.plain = op->typed<plain_op>();
    if (auto op = dispatcher.findSchema({"mkldnn::_linear_pointwise", "binary"}))
      out.add = op->typed<add_op>();
    if (auto op = dispatcher.findSchema({"mkldnn::_is_mkldnn_bf16_supported", ""}))
      out.narrow = op->typed<bool()>().call();
    return out;
  }();
  return found;
}

// Returns whether both tensors are in the CPU's memory, x is fp32, and the weight is a contiguous matrix.
bool on_processor(const at::Tensor &x, const at::Tensor &weight) {
  return x.scalar_type() == at::kFloat && x.device().is_cpu() && weight.device().is_cpu() &&
         weight.dim() == 2 && weight.is_contiguous() && x.dim() >= 1 && x.size(-1) > 0;
}

bool applies(const at::Tensor &x, const at::Tensor &weight) {
  return on_processor(x, weight) && weight.scalar_type() == at::kFloat && x.dim() >= 2 &&
         x.numel() > x.size(-1) && library().plain.has_value();
}

// Serves decoding of one sequence, which reads every weight once. LibTorch would read them with one
// thread, which is slower than reading with several threads.
bool one_row(const at::Tensor &x, const at::Tensor &weight) {
  return on_processor(x, weight) && weight.scalar_type() == at::kFloat && x.numel() == x.size(-1) &&
         !at::GradMode::is_enabled();
}

constexpr int64_t k_worth_a_thread = 64 << 10;  // bytes of weights

row_type row_type_of(const at::Tensor &weight) {
  return weight.scalar_type() == at::kFloat      ? row_type::f32
         : weight.scalar_type() == at::kBFloat16 ? row_type::bf16
                                                 : row_type::f16;
}

// add: undefined, or a tensor of the result's size.
at::Tensor linear_of_one(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                         const at::Tensor &add) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = weight.size(0);
  at::Tensor out = row_linear(x.reshape({1, weight.size(1)}).contiguous(), weight).view(shape);
  if (bias.defined()) out.add_(bias);
  if (add.defined()) out.add_(add);
  return out;
}

c10::List<std::optional<at::Scalar>> no_scalars() {
  return c10::List<std::optional<at::Scalar>>();
}

maybe_tensor optional_bias(const at::Tensor &bias) {
  return bias.defined() ? maybe_tensor(bias) : std::nullopt;
}

constexpr int64_t k_few_outputs = 64;  // of a piece; its products stay in the first-level cache

// Serves decoding of some sequences at once: there are few rows, and each weight is used once for
// each row. oneDNN would pack the weight again in every call, which costs more than the product.
bool few_rows(const at::Tensor &x, const at::Tensor &weight) {
  const attention_kernel &kernel = best_attention_kernel();
  return applies(x, weight) && kernel.narrow_lanes >= 8 &&
         x.numel() / x.size(-1) <= kernel.wide_lanes;
}

// Transposes x, so that each row lies in a lane, and multiplies k_few_outputs rows of the weight at a
// time. add: undefined, or a tensor of the result's size.
at::Tensor linear_of_few(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                         const at::Tensor &add) {
  const attention_kernel &kernel = best_attention_kernel();
  const int64_t k = weight.size(1), n = weight.size(0), rows = x.numel() / k;
  const bool narrow = rows <= kernel.narrow_lanes;
  const int64_t lanes = narrow ? kernel.narrow_lanes : kernel.wide_lanes;
  const at::Tensor columns = at::zeros({k, lanes}, x.options());  // LibTorch aligns to 64 bytes
  columns.narrow(1, 0, rows).copy_(x.reshape({rows, k}).t());
  std::vector<int64_t> shape = x.sizes().vec();
  shape.back() = n;
  at::Tensor out =
      add.defined() ? add.clone(at::MemoryFormat::Contiguous) : at::zeros(shape, x.options());
  const float *from = columns.const_data_ptr<float>(), *w = weight.const_data_ptr<float>();
  const float *plus = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float *to = out.mutable_data_ptr<float>();
  const int64_t pieces = (n + k_few_outputs - 1) / k_few_outputs;
  parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
    alignas(64) float products[k_few_outputs * k_max_lanes];
    for (int64_t first = begin * k_few_outputs; first < std::min(n, end * k_few_outputs);
         first += k_few_outputs) {
      const int64_t count = std::min(k_few_outputs, n - first);
      (narrow ? kernel.narrow_product : kernel.wide_product)(from, w + first * k, k, count,
                                                             products);
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t i = 0; i < count; ++i)
          to[row * n + first + i] += products[i * lanes + row] + (plus ? plus[first + i] : 0.0f);
    }
  });
  return out;
}

}  // namespace

at::Tensor row_linear(const at::Tensor &x, const at::Tensor &weight) {
  const int64_t n = weight.size(0), k = weight.size(1), tokens = x.size(0);
  at::Tensor out = at::empty({tokens, n}, x.options());
  const float *from = x.const_data_ptr<float>();
  const void *w = weight.const_data_ptr();
  float *to = out.mutable_data_ptr<float>();
  const row_type type = row_type_of(weight);
  parallel_for(0, n, std::max<int64_t>(4, k_worth_a_thread / (k * bytes_of(type))),
               [&](int64_t first, int64_t last) {
                 row_product(from, tokens, w, type, k, first, last, to, n);
               });
  return out;
}

at::Tensor fast_linear(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  if (one_row(x, weight)) return linear_of_one(x, weight, bias, {});
  if (!applies(x, weight)) return at::linear(x, weight, optional_bias(bias));
  if (at::GradMode::is_enabled()) return autograd_linear(x, weight, bias);
  if (few_rows(x, weight)) return linear_of_few(x, weight, bias, {});
  return library().plain->call(x.contiguous(), weight, optional_bias(bias), "none", no_scalars(),
                               std::nullopt);
}

bool has_narrow_linear() {
  return library().plain && library().narrow;
}

at::Tensor narrow_linear(const at::Tensor &x, const at::Tensor &weight) {
  if (!has_narrow_linear())
    throw error(error_kind::usage, "this processor has no products in bfloat16")
        .hint("Compute in float32");
  return library()
      .plain
      ->call(x.to(at::kBFloat16).contiguous(), weight.to(at::kBFloat16).contiguous(), std::nullopt,
             "none", no_scalars(), std::nullopt)
      .to(at::kFloat);
}

at::Tensor fast_linear_add(const at::Tensor &residual, const at::Tensor &x,
                           const at::Tensor &weight, const at::Tensor &bias) {
  if (one_row(x, weight) && residual.scalar_type() == at::kFloat)
    return linear_of_one(x, weight, bias, residual);
  if (at::GradMode::is_enabled() || !applies(x, weight) || !library().add ||
      !residual.is_contiguous() || residual.scalar_type() != at::kFloat)
    return residual + fast_linear(x, weight, bias);
  if (few_rows(x, weight)) return linear_of_few(x, weight, bias, residual);
  return library().add->call(x.contiguous(), residual, weight, optional_bias(bias), "add");
}

}  // namespace assay::model
