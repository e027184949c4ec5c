// Accumulates statistics: Hessians in fp32, because rounding to bf16 can make them indefinite, and
// sums of channels in fp64.
#include "calibration/statistics.hpp"

#include <algorithm>

#include "calibration/gram_kernel.hpp"
#include "kernels/matmul.hpp"

namespace assay::quant {
namespace {

// accumulate_gram_by_slabs cuts the columns of h into slabs: at most k_slabs, each of at least
// k_min_slab columns, except the last. Narrower slabs compute less above the diagonal, where nothing is
// needed, but run more slowly.
constexpr int64_t k_min_slab = 128, k_slabs = 6;

}  // namespace

statistics_needs &statistics_needs::operator|=(const statistics_needs &other) {
  hessian |= other.hessian;
  abs_max |= other.abs_max;
  abs_mean |= other.abs_mean;
  sq_mean |= other.sq_mean;
  min_max |= other.min_max;
  raw_input |= other.raw_input;
  mean |= other.mean;
  cross |= other.cross;
  return *this;
}

bool statistics_needs::covers(const statistics_needs &other) const {
  const auto has = [](bool mine, bool wanted) { return mine || !wanted; };
  return has(hessian, other.hessian) && has(abs_max, other.abs_max) &&
         has(abs_mean, other.abs_mean) && has(sq_mean, other.sq_mean) &&
         has(min_max, other.min_max) && has(raw_input, other.raw_input) && has(mean, other.mean) &&
         has(cross, other.cross);
}

void accumulate_gram_by_slabs(at::Tensor &h, const at::Tensor &x) {
  const int64_t n = h.size(0);
  // Transposed once, so that each slab is a product of the form x W^T, which kernels/matmul.hpp computes
  // with its fastest library.
  const auto columns = x.to(at::kFloat).t().contiguous();  // [in, tokens]
  const int64_t slab = std::max(k_min_slab, (n + k_slabs - 1) / k_slabs);
  for (int64_t begin = 0; begin < n; begin += slab) {
    const int64_t width = std::min(slab, n - begin);
    // Columns [begin, begin+width) of the lower triangle have rows begin .. n.
    h.narrow(0, begin, n - begin)
        .narrow(1, begin, width)
        .add_(model::fast_linear(columns.narrow(0, begin, n - begin),
                                 columns.narrow(0, begin, width)));
  }
}

void accumulate_gram(at::Tensor &h, const at::Tensor &x) {
  if (!has_gram_kernel() || !h.is_cpu() || !h.is_contiguous())
    return accumulate_gram_by_slabs(h, x);
  const auto rows = x.to(at::kFloat).contiguous();
  const int64_t tokens = rows.size(0), n = rows.size(1);
  auto scratch = at::empty({gram_scratch(tokens, n)}, h.options());  // LibTorch aligns to 64 bytes
  add_gram(h.mutable_data_ptr<float>(), rows.const_data_ptr<float>(), tokens, n,
           scratch.mutable_data_ptr<float>());
}

void mirror_lower(at::Tensor &h) {
  const int64_t n = h.size(0), tile = 64;
  for (int64_t i = 0; i < n; i += tile) {
    const int64_t ni = std::min(tile, n - i);
    auto diagonal = h.narrow(0, i, ni).narrow(1, i, ni);
    diagonal.copy_(diagonal.tril() + diagonal.tril(-1).t());
    if (i + ni < n)
      h.narrow(0, i, ni)
          .narrow(1, i + ni, n - i - ni)
          .copy_(h.narrow(0, i + ni, n - i - ni).narrow(1, i, ni).t());
  }
}

statistics_accumulator::statistics_accumulator(int64_t in, const statistics_needs &needs,
                                               at::Device device)
    : needs_(needs) {
  const auto f32 = at::TensorOptions().dtype(at::kFloat).device(device);
  const auto f64 = f32.dtype(at::kDouble);
  if (needs.hessian) hessian_ = at::zeros({in, in}, f32);
  if (needs.cross) cross_ = at::zeros({in, in}, f32);
  if (needs.abs_max) abs_max_ = at::zeros({in}, f32);
  if (needs.abs_mean) abs_sum_ = at::zeros({in}, f64);
  if (needs.sq_mean) sq_sum_ = at::zeros({in}, f64);
  if (needs.mean) sum_ = at::zeros({in}, f64);
  if (needs.min_max) {
    min_ = at::full({in}, std::numeric_limits<float>::infinity(), f32);
    max_ = at::full({in}, -std::numeric_limits<float>::infinity(), f32);
  }
}

void statistics_accumulator::add(const at::Tensor &input, const at::Tensor &input_float) {
  if (input.size(0) == 0) return;
  const auto x = input.to(at::kFloat);
  n_tokens_ += x.size(0);
  if (!std::isfinite(x.sum().item<double>()))  // finite only if every value is
    n_non_finite_ += x.numel() - x.isfinite().sum().item<int64_t>();
  if (needs_.hessian) accumulate_gram(hessian_, x);
  if (needs_.cross)
    cross_ += model::fast_linear(input_float.to(at::kFloat).t().contiguous(), x.t().contiguous());
  if (needs_.abs_max || needs_.abs_mean) {
    const auto magnitude = x.abs();
    if (needs_.abs_max) at::maximum_out(abs_max_, abs_max_, magnitude.amax(0));
    if (needs_.abs_mean) abs_sum_ += magnitude.sum(0, false, at::kDouble);
  }
  if (needs_.mean) sum_ += x.sum(0, false, at::kDouble);
  if (needs_.sq_mean) sq_sum_ += x.square().sum(0, false, at::kDouble);
  if (needs_.min_max) {
    at::minimum_out(min_, min_, x.amin(0));
    at::maximum_out(max_, max_, x.amax(0));
  }
  if (needs_.raw_input) raw_.push_back(x);
}

input_statistics statistics_accumulator::finish() {
  input_statistics out;
  out.n_tokens = n_tokens_;
  const double n = static_cast<double>(std::max<int64_t>(n_tokens_, 1));
  if (hessian_.defined()) {
    mirror_lower(hessian_);
    out.hessian = hessian_;
  }
  out.cross = cross_;
  out.abs_max = abs_max_;
  if (abs_sum_.defined()) out.abs_mean = (abs_sum_ / n).to(at::kFloat);
  if (sq_sum_.defined()) out.sq_mean = (sq_sum_ / n).to(at::kFloat);
  if (sum_.defined()) out.mean = (sum_ / n).to(at::kFloat);
  out.min = min_;
  out.max = max_;
  out.raw = std::move(raw_);
  return out;
}

input_statistics input_statistics::with_first_token(const input_statistics &first_token,
                                                    double weight) const {
  input_statistics out = *this;
  if (weight <= 0 || !hessian.defined() || !first_token.hessian.defined()) return out;
  const double trace = hessian.diagonal().sum(at::kDouble).item<double>();
  const double first_trace = first_token.hessian.diagonal().sum(at::kDouble).item<double>();
  if (first_trace <= 0) return out;
  out.hessian = at::add(hessian, first_token.hessian, weight * trace / first_trace);
  if (cross.defined() && first_token.cross.defined())
    out.cross = at::add(cross, first_token.cross, weight * trace / first_trace);
  out.sq_mean = out.hessian.diagonal() / static_cast<double>(n_tokens);
  return out;
}

input_statistics input_statistics::on(at::Device device) const {
  input_statistics out = *this;
  for (auto *tensor : {&out.hessian, &out.cross, &out.abs_max, &out.abs_mean, &out.sq_mean,
                       &out.mean, &out.min, &out.max})
    if (tensor->defined()) *tensor = tensor->to(device);
  for (auto &chunk : out.raw) chunk = chunk.to(device);
  return out;
}

input_statistics input_statistics::uniform(int64_t n, int64_t in, at::Device device) {
  const auto f32 = at::TensorOptions().dtype(at::kFloat).device(device);
  input_statistics out;
  out.n_tokens = std::max(n, in);  // at least `in`, so that no check finds too few tokens
  out.hessian = at::eye(in, f32).mul_(static_cast<double>(out.n_tokens));
  out.cross = out.hessian;
  out.abs_max = out.abs_mean = out.sq_mean = out.max = out.mean = at::ones({in}, f32);
  out.min = at::zeros({in}, f32);
  return out;
}

}  // namespace assay::quant
