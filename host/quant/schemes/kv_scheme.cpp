// Rounds keys and values of attention, and measures the ranges that static scales need. Static fp8
// scales are stored as checkpoint/FORMATS.md says, "compressed-tensors tensors".
#include "quant/schemes/kv_scheme.hpp"

#include <ATen/core/grad_mode.h>

#include <cmath>

#include "calibration/calibration_stream.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/schema.hpp"
#include "quant/schemes/input_operation.hpp"

namespace assay::quant {
namespace {

constexpr double k_fp8_max = 448.0;
constexpr double k_least = 1e-12;

const schema &kv_schema() {
  static const schema k_schema = schema::parse(R"({"type": "object", "properties": {
    "bits": {"type": "integer", "minimum": 2, "maximum": 8, "default": 8, "description": "width of a code"},
    "type": {"type": "string", "enum": ["int", "fp8"], "default": "int", "description": "kind of grid"},
    "strategy": {"type": "string", "enum": ["token_head", "token", "head", "tensor"], "default": "token_head", "description": "what shares a scale"},
    "dynamic": {"type": ["boolean", "null"], "default": null, "description": "scales from the tokens themselves; default: true for token and token_head"},
    "symmetric": {"type": ["boolean", "null"], "default": null, "description": "no zero point; default: true for 8 bits and for static scales"},
    "rotate": {"type": "boolean", "default": false, "description": "turn keys by a Hadamard matrix for rounding"}}})",
                                               "recipe.kv");
  return k_schema;
}

error refuse(const std::string &why, const std::string &hint) {
  return error(error_kind::usage, why).at("recipe.kv").hint(hint);
}

// The largest code of the scheme's symmetric grid.
double most_of(const json &complete) {
  if (complete["type"] == "fp8") return k_fp8_max;
  return static_cast<double>((int64_t{1} << (complete["bits"].get<int64_t>() - 1)) - 1);
}

// The values of the symmetric grid nearest to x. scale broadcasts over x.
at::Tensor on_grid(const at::Tensor &x, const at::Tensor &scale, const json &complete) {
  const double most = most_of(complete);
  const at::Tensor steps = at::div(x, scale);
  if (complete["type"] == "fp8")
    return steps.clamp(-most, most).to(at::kFloat8_e4m3fn).to(at::kFloat).mul_(scale);
  return steps.round().clamp_(-most, most).mul_(scale);
}

// The values nearest to x of a grid with a zero point. The scale and the zero point come from x
// itself; all numbers along the dimensions `over` share them.
at::Tensor asymmetric(const at::Tensor &x, const std::vector<int64_t> &over, int64_t bits) {
  const double most = static_cast<double>((int64_t{1} << bits) - 1);
  const at::Tensor low = x.amin(over, true).clamp_max_(0), high = x.amax(over, true).clamp_min_(0);
  const at::Tensor scale = (high - low).div_(most).clamp_min_(k_least);
  const at::Tensor zero = at::div(-low, scale).round_();
  return at::div(x, scale).round_().add_(zero).clamp_(0, most).sub_(zero).mul_(scale);
}

// The orthogonal matrix [head_dim, head_dim] by which keys are rotated; it is its own inverse.
at::Tensor rotation(int64_t head_dim) {
  if (head_dim & (head_dim - 1))
    throw refuse("keys of " + std::to_string(head_dim) + " channels are not rotated",
                 "rotate needs a head_dim that is a power of two");
  return sylvester(head_dim) / std::sqrt(static_cast<double>(head_dim));
}

// x [.., head_dim] times the rotation. In fp32 on the CPU, sums have the order in which a cache of codes turns its rows.
at::Tensor rotated(const at::Tensor &x, const at::Tensor &turn) {
  if (!x.is_cpu() || x.scalar_type() != at::kFloat) return at::matmul(x.to(at::kFloat), turn);
  at::Tensor out = x.clone(at::MemoryFormat::Contiguous);
  const int64_t d = out.size(-1);
  auto *rows = out.mutable_data_ptr<float>();
  for (int64_t row = 0; row < out.numel() / d; ++row) model::rotate_row(rows + row * d, d);
  return out;
}

// How a cache stores codes that this scheme rounds to; bits 0 if it cannot.
model::kv_coding coding_of(const json &complete, const std::vector<kv_scales> &scales) {
  if (complete["strategy"] == "token") return {};  // its scale is that of all heads together
  model::kv_coding out;
  out.key.bits = complete["bits"].get<int>();
  out.key.symmetric = complete["symmetric"].get<bool>();
  out.key.floats = complete["type"] == "fp8";
  out.value = out.key;
  out.key.rotated = complete["rotate"].get<bool>();
  for (const kv_scales &layer : scales) {
    out.key_scales.push_back(layer.k.to(at::kFloat).cpu());
    out.value_scales.push_back(layer.v.to(at::kFloat).cpu());
  }
  return out;
}

}  // namespace

json complete_kv(const json &scheme) {
  json full = kv_schema().complete(scheme, "recipe.kv");
  const bool token = full["strategy"] == "token" || full["strategy"] == "token_head";
  if (full["dynamic"].is_null()) full["dynamic"] = token;
  if (token != full["dynamic"].get<bool>())
    throw refuse(token ? "a static scale for each token is not possible"
                       : "a dynamic scale for a whole head would change with every token",
                 "token and token_head are dynamic, head and tensor static");
  const bool fp8 = full["type"] == "fp8";
  if (fp8 && full["bits"] != 8) throw refuse("fp8 keys and values have 8 bits", "Leave bits at 8");
  if (full["symmetric"].is_null()) full["symmetric"] = fp8 || !token || full["bits"] == 8;
  if (!full["symmetric"].get<bool>() && (fp8 || !token))
    throw refuse("only integers with dynamic scales have a zero point", "Leave symmetric at true");
  return full;
}

at::Tensor round_kv(const at::Tensor &x, const json &complete, const at::Tensor &scale) {
  const at::Tensor wide = x.to(at::kFloat);
  if (!complete["dynamic"].get<bool>())
    return on_grid(wide, scale.reshape({1, -1, 1, 1}), complete).to(x.scalar_type());
  const std::vector<int64_t> over =
      complete["strategy"] == "token" ? std::vector<int64_t>{1, 3} : std::vector<int64_t>{3};
  if (!complete["symmetric"].get<bool>())
    return asymmetric(wide, over, complete["bits"].get<int64_t>()).to(x.scalar_type());
  const at::Tensor own = wide.abs().amax(over, true).div_(most_of(complete)).clamp_min_(k_least);
  return on_grid(wide, own, complete).to(x.scalar_type());
}

std::vector<kv_ranges> measure_kv(const model::decoder &decoder, const calibration &data,
                                  const json &complete, const progress_fn &progress) {
  const at::NoGradGuard no_grad;
  model::decoder watched = decoder;
  const auto heads = decoder.config().n_kv_heads;
  std::vector<kv_ranges> out(static_cast<size_t>(decoder.n_blocks()));
  for (auto &layer : out) layer.k_max = at::zeros({heads}), layer.v_max = at::zeros({heads});
  const at::Tensor turn = complete["rotate"].get<bool>()
                              ? rotation(decoder.config().head_dim).to(decoder.device())
                              : at::Tensor();
  watched.on_kv = [&](int64_t layer, at::Tensor &k, at::Tensor &v) {
    auto &ranges = out[static_cast<size_t>(layer)];
    const at::Tensor seen = turn.defined() ? at::matmul(k.to(at::kFloat), turn) : k;
    const auto widen = [](at::Tensor &most, const at::Tensor &x) {
      most = at::maximum(most, x.to(at::kFloat).abs().amax({0, 2, 3}).cpu());
    };
    widen(ranges.k_max, seen);
    widen(ranges.v_max, v);
  };
  std::vector<calibration_stream> streams;
  for (const auto &chunk : make_chunks(data, 4096))
    streams.push_back(make_stream(watched, chunk, false, false));
  const auto total = static_cast<uint64_t>(decoder.n_blocks());
  for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
    throw_if_cancelled();
    report_progress(progress, static_cast<uint64_t>(i), total, "ranges of keys and values");
    watched.bring_in(i);
    for (auto &s : streams) s = s.across(watched.block(i), nullptr);
    watched.let_go(i);
  }
  return out;
}

void set_kv(model::decoder &decoder, const json &complete, std::vector<kv_scales> scales) {
  const at::Tensor turn = complete["rotate"].get<bool>()
                              ? rotation(decoder.config().head_dim).to(decoder.device())
                              : at::Tensor();
  decoder.kv_code = coding_of(complete, scales);
  for (auto &layer : scales) layer = {layer.k.to(decoder.device()), layer.v.to(decoder.device())};
  decoder.on_kv = [complete, turn, scales = std::move(scales)](int64_t layer, at::Tensor &k,
                                                               at::Tensor &v) {
    const auto own = scales.empty() ? kv_scales{} : scales.at(static_cast<size_t>(layer));
    if (turn.defined()) {
      const at::Tensor rounded = round_kv(rotated(k, turn), complete, own.k);
      k = rotated(rounded, turn).to(k.scalar_type());
    } else {
      k = round_kv(k, complete, own.k);
    }
    v = round_kv(v, complete, own.v);
  };
}

std::vector<kv_scales> set_kv(model::decoder &decoder, const json &complete,
                              const calibration *data, const progress_fn &progress) {
  std::vector<kv_scales> scales;
  if (!complete["dynamic"].get<bool>()) {
    if (!data)
      throw refuse("static scales of keys and values need calibration data",
                   "Give quantize a calibration, or use strategy 'token_head'");
    const bool heads = complete["strategy"] == "head";
    for (const auto &ranges : measure_kv(decoder, *data, complete, progress)) {
      const auto scale = [&](const at::Tensor &most) {
        return (heads ? most : most.max().reshape({1})).div(most_of(complete)).clamp_min_(k_least);
      };
      scales.push_back({scale(ranges.k_max), scale(ranges.v_max)});
    }
  }
  set_kv(decoder, complete, scales);
  return scales;
}

}  // namespace assay::quant
