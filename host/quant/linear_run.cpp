// Calls a quantizer for one linear, dequantizes what it emitted, and measures the errors. Numbers
// that the plugin reports about the form stay in the form's note.
#include "quant/linear_run.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "kernels/matmul.hpp"
#include "plug/registry.hpp"

namespace assay::quant {

namespace {

// The errors of a weight are measured on this many rows at a time, because a copy of an embedding of
// 152,000 rows would double its memory.
constexpr int64_t k_rows = 16384;

// Returns { ||w||^2, ||w - q||^2 }, f64.
at::Tensor squares(const at::Tensor &w, const at::Tensor &q) {
  return at::stack({w.norm(), at::sub(w, q).norm()}).to(at::kDouble).square();
}

// Returns { tr(w H w^T), tr(d H d^T) } with d = w - q and H = hessian, computed by square tiles of H.
// H is symmetric, so the tiles below the diagonal count twice and those above it are skipped. Tiles
// have the same shape, because oneDNN generates and keeps code for each new shape.
at::Tensor energies(const at::Tensor &w, const at::Tensor &q, const at::Tensor &hessian) {
  constexpr int64_t k_slab = 256;  // columns of w, or of a tile, that are multiplied at a time
  const int64_t rows = w.size(0), in = w.size(1);
  const auto both = at::cat({w, at::sub(w, q)});
  at::Tensor energy = at::zeros({2}, w.options().dtype(at::kDouble));
  for (int64_t begin = 0; begin < in; begin += k_slab) {
    const int64_t end = std::min(in, begin + k_slab);
    const auto slab = both.narrow(1, begin, end - begin);
    const auto part = hessian.narrow(0, begin, end - begin);
    at::Tensor before;
    for (int64_t other = 0; other < begin; other += k_slab) {
      const auto product = model::fast_linear(both.narrow(1, other, k_slab),
                                              part.narrow(1, other, k_slab).contiguous());
      before = before.defined() ? before.add_(product) : product;
    }
    const auto inside = model::fast_linear(slab, part.narrow(1, begin, end - begin).contiguous());
    const auto weighted = before.defined() ? before.mul_(2).add_(inside) : inside;
    const auto row_sums = at::mul(weighted, slab).sum(1, false, at::kDouble);
    energy += row_sums.reshape({2, rows}).sum(1);
  }
  return energy;
}

// Calls `measured` on k_rows rows of w and q at a time. Returns the sum of the results.
at::Tensor by_rows(
    const at::Tensor &w, const at::Tensor &q,
    const std::function<at::Tensor(const at::Tensor &, const at::Tensor &)> &measured) {
  at::Tensor sum;
  for (int64_t first = 0; first < w.size(0); first += k_rows) {
    const int64_t n = std::min(k_rows, w.size(0) - first);
    const auto part = measured(w.narrow(0, first, n), q.narrow(0, first, n));
    sum = sum.defined() ? sum.add_(part) : part;
  }
  return sum;
}

}  // namespace

double relative_error(const at::Tensor &w, const at::Tensor &q) {
  const auto norms = by_rows(w, q, squares).sqrt();
  const double size = norms[0].item<double>();
  return size > 0 ? norms[1].item<double>() / size : 0.0;
}

double output_error(const at::Tensor &w, const at::Tensor &q, const at::Tensor &hessian) {
  const auto energy = by_rows(w, q, [&](const at::Tensor &some, const at::Tensor &rounded) {
    return energies(some, rounded, hessian);
  });
  const double signal = energy[0].item<double>();
  return signal > 0 ? energy[1].item<double>() / signal : 0.0;
}

linear_result finish_linear(plug::quantizer_instance &quantizer, plug::emitted_form emitted,
                            const linear_view &view, const at::Tensor &weight,
                            const at::Tensor &hessian) {
  const auto &linear = view.get();
  linear_result out;
  auto &form = out.form;
  form.name = linear.name;
  form.role = linear.role;
  form.in_features = linear.in_features;
  form.out_features = linear.out_features;
  form.component = quantizer.made_by().identity();
  form.config = quantizer.config();
  form.note = emitted.note;
  form.packed_bits = emitted.packed_bits();
  for (auto &part : emitted.tensors)
    form.tensors.push_back({part.role, plug::adopt(std::move(part.tensor)), part.packed_bits});
  out.weight = at::empty({form.out_features, form.in_features},
                         at::TensorOptions().dtype(at::kFloat).device(weight.device()));
  auto shown = view_of(form);
  const plug::tensor_ref target(out.weight);
  quantizer.dequantize(*shown.get(), *target.get(), form.name);
  form.relative_error = relative_error(weight, out.weight);
  if (!std::isfinite(form.relative_error))
    throw error(error_kind::plugin, "the dequantized weight is not finite")
        .plugin(quantizer.made_by().id)
        .layer(form.name)
        .hint("Look for zero scales or infinities in the weight");
  if (hessian.defined()) form.output_error = output_error(weight, out.weight, hessian);
  return out;
}

linear_result run_linear(plug::quantizer_instance &quantizer, const linear_view &view,
                         const at::Tensor &weight, const assay_stats *stats,
                         const at::Tensor &hessian) {
  return finish_linear(quantizer, quantizer.quantize(view.get(), stats), view, weight, hessian);
}

at::Tensor dequantize(const quantized_linear &form) {
  const std::string id = form.component.substr(0, form.component.rfind('@'));
  plug::quantizer_instance fresh(plug::plugins().find(plug::kind::quantizer, id), form.config);
  at::Tensor out = at::empty({form.out_features, form.in_features}, at::kFloat);
  auto shown = view_of(form);
  const plug::tensor_ref target(out);
  fresh.dequantize(*shown.get(), *target.get(), form.name);
  return out;
}

void put_weights(model::decoder_block &block, const std::vector<quantized_linear> &forms) {
  for (auto *linear : block.linears())
    for (const auto &form : forms)
      if (form.name == linear->name)
        linear->weight = dequantize(form).to(linear->weight.device(), linear->weight.scalar_type());
}

}  // namespace assay::quant
