// Chooses the scales and codes of the small float formats: a weight becomes scale * value[code]. A
// scale is rounded to its stored form before codes are chosen, so that the codes fit it.
// plugins/METHODS.md has the formulas under "Small floats".
#include "float_quantizer.hpp"

#include <algorithm>
#include <cmath>

namespace floats {
namespace {

// Returns the scale 2^(stored - 127) of mxfp4.
float power_of_two(uint8_t stored) {
  return std::ldexp(1.0f, stored - 127);
}

// Returns the data of the form's tensor with this role. Throws failure if there is none.
template <class T>
const T *values_of(const assay_form &form, const char *role) {
  const auto *tensor = assay_cpp::find(form, role);
  if (!tensor)
    throw assay_cpp::failure(ASSAY_INVALID_ARGUMENT, std::string("the form has no ") + role);
  return reinterpret_cast<const T *>(static_cast<const char *>(tensor->data) + tensor->byte_offset);
}

}  // namespace

const format k_fp8 = {e4m3, 8, 0, scale_form::float32};
const format k_mxfp4 = {e2m1, 4, 32, scale_form::e8m0};
const format k_nvfp4 = {e2m1, 4, 16, scale_form::e4m3_twice};

worker::worker(assay_cpp::host host, const format &which)
    : host_(host),
      format_(which),
      group_size_(which.group_size > 0 ? which.group_size
                                       : assay_cpp::config(host).integer("group_size")) {}

void worker::needs(const assay_linear &, assay_needs &) {}

std::vector<float> worker::emit_scales(const assay_linear &linear,
                                       const std::vector<float> &largest, int64_t groups,
                                       const assay_cpp::sink &sink) {
  const int64_t out = linear.out_features;
  const float top = format_.values().largest();
  std::vector<float> scales(largest.size());
  uint64_t lifted = 0;
  if (format_.scale == scale_form::float32) {
    auto stored = host_.alloc(assay_cpp::dtype_of<float>(), {out, groups});
    for (size_t i = 0; i < scales.size(); ++i) {
      assay_grid::stored_scale scale;  // stays 1 for a group of zeros
      if (largest[i] > 0)
        scale = assay_grid::store(assay_grid::scale_dtype::float32, largest[i] / top);
      stored.data<float>()[i] = scales[i] = scale.value;
      lifted += scale.clamped;
    }
    sink.emit("scales", std::move(stored));
  } else if (format_.scale == scale_form::e8m0) {
    auto stored = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {out, groups});
    for (size_t i = 0; i < scales.size(); ++i) {
      // floor(log2(largest)) - 2. The 2 is the exponent of 6 = 1.5 * 2^2, the largest FP4 number (OCP
      // MX 1.0, 6.3).
      const int exponent = largest[i] > 0 ? std::ilogb(largest[i]) - 2 : 0;
      lifted += exponent < -127;
      stored.data<uint8_t>()[i] = static_cast<uint8_t>(std::clamp(exponent + 127, 0, 254));
      scales[i] = power_of_two(stored.data<uint8_t>()[i]);
    }
    sink.emit("scale_exponents", std::move(stored));
  } else {
    // Linears that vLLM and others join into one matrix (q, k, v; gate, up) have the same tie_abs_max,
    // hence the same divisor. A group of zeros gets 0.125, because any scale is exact for it.
    const double whole = linear.tie_abs_max > 0 ? linear.tie_abs_max : 1.0;
    const auto factor = static_cast<float>(448.0 * 6.0 / whole);
    auto shared = host_.alloc(assay_cpp::dtype_of<float>(), {});
    shared.data<float>()[0] = factor;
    auto stored = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {out, groups});
    for (size_t i = 0; i < scales.size(); ++i) {
      const float local = largest[i] > 0 ? factor * largest[i] / 6.0f : 0.125f;
      uint8_t code = e4m3().nearest(local);
      if (code == 0) code = 1, ++lifted;  // with the scale 0 all weights would be 0
      stored.data<uint8_t>()[i] = code;
      scales[i] = e4m3().values()[code] / factor;
    }
    sink.emit("scales_e4m3", std::move(stored));
    sink.emit("tensor_divisor", std::move(shared));
  }
  if (lifted)
    host_.ledger("clamped_scale", lifted, "scales below the smallest number of their form");
  return scales;
}

void worker::quantize(const assay_linear &linear, const assay_stats *, assay_cpp::sink sink) {
  const auto w = assay_cpp::matrix_of<const float>(linear.weight, "the weight");
  assay_cpp::require_finite(w);
  const auto cut = this->cut(w.columns);
  const int64_t size = cut.size, groups = cut.count;
  std::vector<float> largest(static_cast<size_t>(w.rows * groups));
  host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * w.columns; i < end * w.columns; ++i) {
      auto &most = largest[static_cast<size_t>(i / w.columns * groups + i % w.columns / size)];
      most = std::max(most, std::fabs(w.data[i]));
    }
  });
  const auto scales = emit_scales(linear, largest, groups, sink);
  const auto &values = format_.values();
  auto codes = host_.alloc(assay_cpp::dtype_of<uint8_t>(), {w.rows, w.columns});
  host_.parallel_for(w.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t c = 0; c < w.columns; ++c)
        codes.data<uint8_t>()[row * w.columns + c] =
            values.nearest(w.row(row)[c] / scales[static_cast<size_t>(row * groups + c / size)]);
  });
  sink.emit("codes", std::move(codes), static_cast<uint32_t>(format_.bits));
  sink.note("{\"format\": \"float/1\", \"bits\": " + std::to_string(format_.bits) +
            ", \"group_size\": " + std::to_string(cut.noted()) + ", \"symmetric\": true}");
}

void worker::dequantize(const assay_form &form, const assay_tensor &out) {
  const auto to = assay_cpp::matrix_of<float>(&out, "the output");
  const auto *codes = values_of<uint8_t>(form, "codes");
  const auto cut = this->cut(to.columns);
  const int64_t size = cut.size, groups = cut.count;
  const auto &values = format_.values().values();
  const auto scale = [&](int64_t i) {
    switch (format_.scale) {
      case scale_form::float32:
        return values_of<float>(form, "scales")[i];
      case scale_form::e8m0:
        return power_of_two(values_of<uint8_t>(form, "scale_exponents")[i]);
      case scale_form::e4m3_twice:
        break;
    }
    return e4m3().values()[values_of<uint8_t>(form, "scales_e4m3")[i]] /
           values_of<float>(form, "tensor_divisor")[0];
  };
  host_.parallel_for(to.rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t g = 0; g < groups; ++g) {
        const float s = scale(row * groups + g);
        const int64_t last = std::min(to.columns, (g + 1) * size);
        for (int64_t c = g * size; c < last; ++c)
          to.row(row)[c] = values[codes[row * to.columns + c]] * s;
      }
  });
}

void worker::estimate(const assay_linear &linear, assay_estimate &out) {
  const double rows = static_cast<double>(linear.out_features),
               columns = static_cast<double>(linear.in_features);
  const int64_t groups = cut(linear.in_features).count;
  const double scale_bits = format_.scale == scale_form::float32 ? 32 : 8;
  out.packed_bits = rows * (columns * format_.bits + static_cast<double>(groups) * scale_bits);
}

}  // namespace floats
