// Calls a quantizer for one linear and takes what it emitted; what is reported is measured here.
// The plugin's own numbers stay in the note.
#include "quant/linear_run.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "kernels/matmul.hpp"
#include "plug/registry.hpp"

namespace assay::quant {

const at::Tensor *quantized_linear::find(const std::string &wanted) const {
  for (const auto &part : tensors)
    if (part.role == wanted) return &part.tensor;
  return nullptr;
}

namespace {

constexpr int64_t k_rows = 16384;  // measured at a time: of a table of 152,000 rows copies are dear

// ||w||^2 and ||w - q||^2.
at::Tensor squares(const at::Tensor &w, const at::Tensor &q) {
  return at::stack({w.norm(), at::sub(w, q).norm()}).to(at::kDouble).square();
}

// { tr(W H W^T), tr(D H D^T) }, D = W - Q, by square tiles of H, which is symmetric: those off the diagonal
// count twice. One shape of product for all tiles, since oneDNN keeps generated code for each shape that
// it has seen.
at::Tensor energies(const at::Tensor &w, const at::Tensor &q, const at::Tensor &hessian) {
  constexpr int64_t k_slab = 256;  // columns
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

// The sum of `measured` over pieces of rows.
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
                            const layer_view &view, const at::Tensor &weight,
                            const at::Tensor &hessian) {
  const auto &layer = view.get();
  linear_result out;
  auto &form = out.form;
  form.name = layer.name;
  form.role = layer.role;
  form.in_features = layer.in_features;
  form.out_features = layer.out_features;
  form.component = quantizer.made_by().identity();
  form.config = quantizer.config();
  form.note = emitted.note;
  form.packed_bits = emitted.packed_bits();
  for (auto &part : emitted.tensors)
    form.tensors.push_back({part.role, plug::adopt(std::move(part.tensor)), part.packed_bits});
  out.weight = at::empty({form.out_features, form.in_features},
                         at::TensorOptions().dtype(at::kFloat).device(weight.device()));
  form_ref reference(form);
  const plug::tensor_ref target(out.weight);
  quantizer.dequantize(*reference.get(), *target.get(), form.name);
  form.relative_error = relative_error(weight, out.weight);
  if (!std::isfinite(form.relative_error))
    throw error(error_kind::plugin, "the dequantized weight is not finite")
        .plugin(quantizer.made_by().id)
        .layer(form.name)
        .hint("Look for zero scales or infinities in the weight");
  if (hessian.defined()) form.output_error = output_error(weight, out.weight, hessian);
  return out;
}

linear_result run_linear(plug::quantizer_instance &quantizer, const layer_view &view,
                         const at::Tensor &weight, const assay_stats *stats,
                         const at::Tensor &hessian) {
  return finish_linear(quantizer, quantizer.quantize(view.get(), stats), view, weight, hessian);
}

at::Tensor dequantize(const quantized_linear &form) {
  const std::string id = form.component.substr(0, form.component.rfind('@'));
  plug::quantizer_instance fresh(plug::plugins().find(plug::kind::quantizer, id), form.config);
  at::Tensor out = at::empty({form.out_features, form.in_features}, at::kFloat);
  form_ref reference(form);
  const plug::tensor_ref target(out);
  fresh.dequantize(*reference.get(), *target.get(), form.name);
  return out;
}

}  // namespace assay::quant
