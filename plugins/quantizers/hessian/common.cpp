// Shared plumbing between the C ABI and the methods of this plugin.
// Nothing here decides a number except the rounding of scales into their stored bytes.
#include "common.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace hessian {

grid_options read_grid(const assay_json::value &config) {
  grid_options o;
  o.bits = static_cast<int>(config.number_or("bits", 4));
  o.group_size = static_cast<int64_t>(config.number_or("group_size", 64));
  o.symmetric = config.bool_or("symmetric", true);
  const auto search = config.string_or("grid", "weighted"),
             dtype = config.string_or("scale_dtype", "float16");
  o.search = search == "minmax" ? grid_search::minmax
             : search == "mse"  ? grid_search::mse
                                : grid_search::weighted;
  o.stored = dtype == "float16"    ? scale_dtype::float16
             : dtype == "bfloat16" ? scale_dtype::bfloat16
                                   : scale_dtype::float32;
  return o;
}

matrix_view::matrix_view(float *data, int64_t rows, int64_t columns, int64_t row_stride)
    : tensor{data, {ASSAY_CPU, 0}, 2, {ASSAY_FLOAT, 32, 1}, shape, strides, 0},
      shape{rows, columns},
      strides{row_stride, 1} {}

matrix_view::matrix_view(double *data, int64_t rows, int64_t columns, int64_t row_stride)
    : tensor{data, {ASSAY_CPU, 0}, 2, {ASSAY_FLOAT, 64, 1}, shape, strides, 0},
      shape{rows, columns},
      strides{row_stride, 1} {}

void multiply(assay_cpp::host host, double alpha, const matrix_view &a, const matrix_view &b,
              bool transpose_b, double beta, const matrix_view &c) {
  const auto &linalg = host.require<assay_linalg>(ASSAY_EXT_LINALG);
  assay_cpp::pass_on(
      linalg.gemm(host.table(), alpha, &a.tensor, 0, &b.tensor, transpose_b, beta, &c.tensor));
}

std::vector<group_grid> fit_grids(assay_cpp::host host, const float *w, const float *importance,
                                  int64_t out, int64_t in, const grid_options &o,
                                  const clip_limits &clip) {
  const int64_t groups = o.groups(in), size = o.group(in);
  std::vector<group_grid> grids(static_cast<size_t>(out * groups));
  host.parallel_for(out, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> clipped(clip.low ? static_cast<size_t>(in) : 0);
    for (int64_t row = begin; row < end; ++row) {
      const float *from = w + row * in;
      if (clip.low) {
        for (int64_t j = 0; j < in; ++j) {
          const int64_t at = row * clip.n + j / clip.group;
          clipped[static_cast<size_t>(j)] = std::clamp(from[j], clip.low[at], clip.high[at]);
        }
        from = clipped.data();
      }
      for (int64_t g = 0; g < groups; ++g) {
        const int64_t first = g * size, n = std::min(size, in - first);
        auto &grid = grids[static_cast<size_t>(row * groups + g)];
        grid = fit_group(from + first, 1, importance ? importance + first : nullptr, n, o);
        require_scale(grid, row, g);
      }
    }
  });
  return grids;
}

void require_scale(const group_grid &grid, int64_t row, int64_t group) {
  if (grid.overflowed)
    throw failure(ASSAY_NUMERICAL, "the scale of row " + std::to_string(row) + ", group " +
                                       std::to_string(group) + " overflows scale_dtype");
}

clip_limits clip_of(const assay_layer *layer) {
  if (!layer->clip_min || !layer->clip_max) return {};
  clip_limits clip{cpu_floats(layer->clip_min, "clip_min"), cpu_floats(layer->clip_max, "clip_max"),
                   layer->clip_min->shape[1], layer->clip_group_size};
  if (clip.group <= 0) clip.group = layer->in_features;
  if (clip.n * clip.group < layer->in_features)
    throw failure(ASSAY_INVALID_ARGUMENT, "the clip limits do not cover the row");
  return clip;
}

assay_cpp::owned_tensor scales_tensor(assay_cpp::host host, const std::vector<group_grid> &grids,
                                      int64_t out, int64_t groups, const grid_options &o) {
  const bool wide = o.stored == scale_dtype::float32;
  assay_cpp::owned_tensor scales =
      host.alloc(wide                                ? assay_cpp::dtype_of<float>()
                 : o.stored == scale_dtype::bfloat16 ? assay_cpp::k_bf16
                                                     : assay_cpp::k_f16,
                 {out, groups});
  for (size_t i = 0; i < grids.size(); ++i) {
    if (wide)
      scales.data<float>()[i] = grids[i].scale;
    else
      scales.data<uint16_t>()[i] = o.stored == scale_dtype::float16 ? float16_bits(grids[i].scale)
                                                                    : bfloat16_bits(grids[i].scale);
  }
  return scales;
}

float scale_at(const assay_tensor &scales, int64_t i) {
  const auto *bytes = static_cast<const char *>(scales.data) + scales.byte_offset;
  if (scales.dtype.bits == 32) return reinterpret_cast<const float *>(bytes)[i];
  const uint16_t half = reinterpret_cast<const uint16_t *>(bytes)[i];
  uint32_t bits = static_cast<uint32_t>(half) << 16;  // bf16
  if (scales.dtype.code == ASSAY_FLOAT) {
    const uint32_t exponent = (half >> 10) & 0x1F, mantissa = half & 0x3FF;
    if (exponent == 0) {
      const float magnitude = static_cast<float>(mantissa) / 16777216.0f;
      return half & 0x8000 ? -magnitude : magnitude;
    }
    bits =
        (static_cast<uint32_t>(half & 0x8000) << 16) | ((exponent + 112) << 23) | (mantissa << 13);
  }
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

void emit_form(assay_cpp::host host, assay_cpp::sink sink, const std::vector<int16_t> &codes,
               const std::vector<group_grid> &grids, int64_t out, int64_t in, const grid_options &o,
               const std::string &claims_json, const char *format) {
  const int64_t groups = o.groups(in);
  assay_cpp::owned_tensor bytes = host.alloc(
      o.symmetric ? assay_cpp::dtype_of<int8_t>() : assay_cpp::dtype_of<uint8_t>(), {out, in});
  host.parallel_for(out, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * in; i < end * in; ++i)
      bytes.data<uint8_t>()[i] = static_cast<uint8_t>(codes[static_cast<size_t>(i)]);
  });
  uint64_t clamped = 0;
  for (const auto &grid : grids) clamped += grid.clamped;
  if (clamped)
    host.ledger("clamped_scale", clamped, "scales below the smallest normal number of their dtype");
  sink.emit("codes", std::move(bytes), static_cast<uint32_t>(o.bits));
  sink.emit("scales", scales_tensor(host, grids, out, groups, o), 0);
  if (!o.symmetric) {
    assay_cpp::owned_tensor zeros = host.alloc(assay_cpp::dtype_of<uint8_t>(), {out, groups});
    for (size_t i = 0; i < grids.size(); ++i)
      zeros.data<uint8_t>()[i] = static_cast<uint8_t>(grids[i].zero);
    sink.emit("zeros", std::move(zeros), static_cast<uint32_t>(o.bits));
  }
  sink.note(std::string("{\"format\": \"") + format + "\", \"bits\": " + std::to_string(o.bits) +
            ", \"group_size\": " + std::to_string(o.group(in) == in ? 0 : o.group_size) +
            ", \"symmetric\": " + (o.symmetric ? "true" : "false") +
            (claims_json.empty() ? "" : ", " + claims_json) + "}");
}

void dequantize_form(assay_cpp::host host, const assay_form *form, const assay_tensor *out) {
  const auto *codes = assay_cpp::find(*form, "codes"), *scales = assay_cpp::find(*form, "scales"),
             *zeros = assay_cpp::find(*form, "zeros");
  if (!codes || !scales)
    throw failure(ASSAY_INVALID_ARGUMENT, "the form has no codes or no scales");
  const int64_t in = form->in_features, groups = scales->shape[1];
  // The group size is in the note; without one, groups divide the row.
  int64_t size = (in + groups - 1) / groups;
  if (form->note_json && groups > 1) {
    const double told = assay_json::parse(form->note_json).number_or("group_size", 0);
    if (told > 0) size = static_cast<int64_t>(told);
  }
  float *to = cpu_floats(out, "the output");
  const auto *bytes = static_cast<const uint8_t *>(codes->data) + codes->byte_offset;
  const auto *zero_bytes =
      zeros ? static_cast<const uint8_t *>(zeros->data) + zeros->byte_offset : nullptr;
  host.parallel_for(form->out_features, 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t g = 0; g < groups; ++g) {
        const float scale = scale_at(*scales, row * groups + g);
        const int zero = zero_bytes ? zero_bytes[row * groups + g] : 0;
        const int64_t last = std::min(in, (g + 1) * size);
        for (int64_t j = row * in + g * size; j < row * in + last; ++j) {
          const int code = zeros ? bytes[j] : static_cast<int8_t>(bytes[j]);
          to[j] = static_cast<float>(code - zero) * scale;
        }
      }
  });
}

}  // namespace hessian
