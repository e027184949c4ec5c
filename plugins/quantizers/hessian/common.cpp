// Implements common.hpp: reads options and tensors, calls the host's matrix product, emits the form.
#include "common.hpp"

#include <algorithm>
#include <utility>

#include "assay_json.hpp"

namespace hessian {

grid_options read_grid(const assay_cpp::config &config) {
  grid_options o;
  o.bits = static_cast<int>(config.integer("bits"));
  o.group_size = config.integer("group_size");
  o.symmetric = config.flag("symmetric");
  const std::string search = config.text("grid");
  o.search = search == "minmax" ? grid_search::minmax
             : search == "mse"  ? grid_search::mse
                                : grid_search::weighted;
  o.scale_from = config.number("scale_from");
  o.scale_to = config.number("scale_to");
  o.stored = assay_grid::scale_dtype_of(config.text("scale_dtype"));
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
        grids[static_cast<size_t>(row * groups + g)] =
            fit_group(from + first, 1, importance ? importance + first : nullptr, n, o);
      }
    }
  });
  return grids;
}

clip_limits clip_of(const assay_linear *linear) {
  if (!linear->clip_min || !linear->clip_max) return {};
  clip_limits clip{cpu_floats(linear->clip_min, "clip_min"),
                   cpu_floats(linear->clip_max, "clip_max"), linear->clip_min->shape[1],
                   linear->clip_group_size};
  if (clip.group <= 0) clip.group = linear->in_features;
  if (clip.n * clip.group < linear->in_features)
    throw failure(ASSAY_INVALID_ARGUMENT, "the clip limits do not cover the row");
  return clip;
}

assay_cpp::owned_tensor scales_tensor(assay_cpp::host host, const std::vector<group_grid> &grids,
                                      int64_t out, int64_t groups, const grid_options &o) {
  auto scales = host.alloc(assay_grid::tensor_dtype(o.stored), {out, groups});
  uint64_t clamped = 0;
  for (size_t i = 0; i < grids.size(); ++i) {
    assay_grid::write_scale(o.stored, scales.data<void>(), static_cast<int64_t>(i), grids[i].scale);
    clamped += grids[i].clamped;
  }
  assay_grid::tell_clamped(host, clamped);
  return scales;
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
  sink.emit("codes", std::move(bytes), static_cast<uint32_t>(o.bits));
  sink.emit("scales", scales_tensor(host, grids, out, groups, o), 0);
  if (!o.symmetric) {
    assay_cpp::owned_tensor zeros = host.alloc(assay_cpp::dtype_of<uint8_t>(), {out, groups});
    for (size_t i = 0; i < grids.size(); ++i)
      zeros.data<uint8_t>()[i] = static_cast<uint8_t>(grids[i].zero);
    sink.emit("zeros", std::move(zeros), static_cast<uint32_t>(o.bits));
  }
  sink.note(std::string("{\"format\": \"") + format + "\", \"bits\": " + std::to_string(o.bits) +
            ", \"group_size\": " + std::to_string(assay_grid::group_cut(o.group_size, in).noted()) +
            ", \"symmetric\": " + (o.symmetric ? "true" : "false") +
            (claims_json.empty() ? "" : ", " + claims_json) + "}");
}

void dequantize_form(assay_cpp::host host, const assay_form *form, const assay_tensor *out) {
  const auto *codes = assay_cpp::find(*form, "codes"), *scales = assay_cpp::find(*form, "scales"),
             *zeros = assay_cpp::find(*form, "zeros");
  if (!codes || !scales)
    throw failure(ASSAY_INVALID_ARGUMENT, "the form has no codes or no scales");
  const int64_t in = form->in_features, groups = scales->shape[1];
  // The note holds the group size. If there is no note, the groups are taken to divide the row evenly.
  int64_t size = (in + groups - 1) / groups;
  if (form->note_json && groups > 1) {
    const double noted = assay_json::parse(form->note_json).number_or("group_size", 0);
    if (noted > 0) size = static_cast<int64_t>(noted);
  }
  float *to = cpu_floats(out, "the output");
  const auto *bytes = static_cast<const uint8_t *>(codes->data) + codes->byte_offset;
  const auto *zero_bytes =
      zeros ? static_cast<const uint8_t *>(zeros->data) + zeros->byte_offset : nullptr;
  host.parallel_for(form->out_features, 64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t g = 0; g < groups; ++g) {
        const float scale = assay_grid::read_scale(*scales, row * groups + g);
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
