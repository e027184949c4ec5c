// Unpacks the formats of compressed-tensors: pack-quantized (integers of 2 to 8 bits),
// int-quantized, float-quantized, and nvfp4 and mxfp4 (4-bit floats). FORMATS.md, "compressed-tensors
// tensors", describes them.
#include "checkpoint/compressed_tensors.hpp"

#include <algorithm>
#include <cstdio>
#include <regex>
#include <set>

#include "checkpoint/bit_packing.hpp"
#include "checkpoint/small_floats.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

bool ends_with(const std::string &text, const std::string &tail) {
  return text.size() >= tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

// Returns whether codes of 3, 5, 6 and 7 bits continue from one word to the next. They do since
// version 0.17; before, each word held 32 / bits whole codes and left its other bits unused.
bool packs_densely(const json &quantization) {
  const std::string version = quantization.value("version", "0");
  int major = 0, minor = 0;
  return std::sscanf(version.c_str(), "%d.%d", &major, &minor) == 2 && (major > 0 || minor >= 17);
}

bool is_four_bit_float(const std::string &format) {
  return format == "nvfp4-pack-quantized" || format == "mxfp4-pack-quantized";
}

}  // namespace

// There are three cases. With g_idx, each column takes the scale and zero point of its group. With one group, all
// columns of a row share them. Otherwise the codes are seen as [out, groups, in / groups], so that each group takes its
// own scale and zero point.
at::Tensor stored_linear::dequantize() const {
  const int64_t in = codes.size(1), groups = scales.size(-1);
  at::Tensor scale = scales.to(at::kFloat);
  if (scale_divisor.defined()) scale = scale / scale_divisor;
  at::Tensor zero = zero_points.defined() ? zero_points.to(at::kFloat) : at::Tensor();
  at::Tensor q = codes.to(at::kFloat);
  if (g_idx.defined()) {
    scale = scale.index_select(1, g_idx.to(at::kLong));
    if (zero.defined()) zero = zero.index_select(1, g_idx.to(at::kLong));
    return (zero.defined() ? q.sub_(zero) : q).mul_(scale);
  }
  if (groups == 1) return (zero.defined() ? q.sub_(zero) : q).mul_(scale);
  at::Tensor grouped = q.view({codes.size(0), groups, in / groups});
  if (zero.defined()) grouped.sub_(zero.unsqueeze(2));
  grouped.mul_(scale.unsqueeze(2));
  return q;
}

// Reads config_groups into schemes_ and refuses what cannot be unpacked. Then lists the tensors: a quantized module X
// becomes one tensor "X.weight", and its other parts (scales, zero points, ...) are left out of the list.
compressed_tensors_source::compressed_tensors_source(std::shared_ptr<const tensor_source> raw,
                                                     const json &config, const std::string &where)
    : raw_(std::move(raw)), where_(where) {
  const json &quantization = config.at("quantization_config");
  const std::string format = quantization.value("format", "");
  const json groups = quantization.value("config_groups", json::object());
  for (const json &group : groups) {
    if (!group.is_object() || !group.contains("weights") || group["weights"].is_null()) continue;
    const json &weights = group["weights"];
    scheme s;
    for (const json &target : group.value("targets", json::array()))
      s.targets.push_back(target.get<std::string>());
    s.bits = weights.value("num_bits", 8);
    s.symmetric = weights.value("symmetric", true);
    s.is_float = weights.value("type", "int") == "float";
    s.group_size = weights.contains("group_size") && weights["group_size"].is_number_integer()
                       ? std::max<int64_t>(0, weights["group_size"].get<int64_t>())
                       : 0;
    s.format = group.contains("format") && group["format"].is_string()
                   ? group["format"].get<std::string>()
                   : format;
    if (s.format != "pack-quantized" && s.format != "int-quantized" &&
        s.format != "float-quantized" && s.format != "naive-quantized" &&
        !is_four_bit_float(s.format))
      throw error(error_kind::failed,
                  "the compressed-tensors format '" + s.format + "' is not supported")
          .at(where_)
          .hint(
              "Supported are pack-quantized, int-quantized, float-quantized, nvfp4-pack-quantized "
              "and "
              "mxfp4-pack-quantized");
    const bool safe = s.bits == 2 || s.bits == 4 || s.bits == 8;
    const bool dense = s.bits > 2 && s.bits < 8 && packs_densely(quantization);
    if (s.format == "pack-quantized" && !safe && !dense)
      throw error(error_kind::failed,
                  "pack-quantized weights of " + std::to_string(s.bits) + " bits are not supported")
          .at(where_)
          .hint(
              "Their packing changed in compressed-tensors 0.17. 2, 4 and 8 bits are read from any "
              "version, other widths only if quantization_config names version 0.17 or later");
    schemes_.push_back(std::move(s));
  }
  static const char *const parts[] = {".weight_scale",
                                      ".weight_shape",
                                      ".weight_zero_point",
                                      ".weight_g_idx",
                                      ".input_scale",
                                      ".weight_global_scale",
                                      ".input_global_scale",
                                      ".input_zero_point",
                                      ".k_scale",
                                      ".v_scale",
                                      ".output_scale",
                                      ".weight_packed"};
  for (const tensor_info &info : raw_->tensors()) {
    const bool packed = ends_with(info.name, ".weight_packed");
    const bool part = std::any_of(std::begin(parts), std::end(parts),
                                  [&](const char *p) { return ends_with(info.name, p); });
    if (part && !packed) continue;
    const std::string module = info.name.substr(0, info.name.rfind('.'));
    const bool quantized =
        packed || (ends_with(info.name, ".weight") && raw_->has(module + ".weight_scale"));
    tensor_info logical = info;
    if (quantized) {
      const scheme &s = scheme_of(module);
      logical.name = module + ".weight";
      logical.dtype = at::kFloat;
      logical.stored = s.format;
      for (const char *p : parts)
        if (const tensor_info *extra = raw_->find(module + p); extra != nullptr && extra != &info)
          logical.stored_bytes += extra->stored_bytes;
      if (packed && is_four_bit_float(s.format)) {
        logical.shape = {info.shape.at(0), info.shape.at(1) * 2};
      } else if (packed) {
        const at::Tensor shape = shape_of(module);
        logical.shape = {shape[0].item<int64_t>(), shape[1].item<int64_t>()};
      }
      quantized_.push_back(module);
    }
    infos_.push_back(std::move(logical));
  }
}

at::Tensor compressed_tensors_source::shape_of(const std::string &module) const {
  at::Tensor shape = raw_->tensor(module + ".weight_shape").to(at::kLong);
  if (shape.numel() != 2 || (shape < 1).any().item<bool>() ||
      (shape > (int64_t{1} << 31)).any().item<bool>())
    throw error(error_kind::failed, "'" + module + ".weight_shape' is not [out, in]").at(where_);
  return shape;
}

const compressed_tensors_source::scheme &compressed_tensors_source::scheme_of(
    const std::string &module) const {
  const scheme *by_class = nullptr;
  for (const scheme &s : schemes_)
    for (const std::string &target : s.targets) {
      if (target == module) return s;
      if (target == "Linear" && by_class == nullptr) by_class = &s;
      if (target.rfind("re:", 0) != 0) continue;
      try {  // the match must begin at the start of the name and may end early (Python's re.match)
        if (std::regex_search(module, std::regex(target.substr(3)),
                              std::regex_constants::match_continuous))
          return s;
      } catch (const std::regex_error &) {
        throw error(error_kind::failed, "the target '" + target + "' is not a regular expression")
            .at(where_);
      }
    }
  if (by_class != nullptr) return *by_class;
  throw error(error_kind::failed, "no config_group of quantization_config covers '" + module + "'")
      .at(where_);
}

at::Tensor compressed_tensors_source::tensor(const std::string &name) const {
  if (ends_with(name, ".weight")) {
    const std::string module = name.substr(0, name.size() - 7);
    if (std::find(quantized_.begin(), quantized_.end(), module) != quantized_.end())
      return read(module).dequantize();
  }
  return raw_->tensor(name);
}

at::Tensor compressed_tensors_source::tensor_as(const std::string &name,
                                                at::ScalarType dtype) const {
  const tensor_info *info = find(name);
  const bool plain =
      info != nullptr && raw_->find(name) != nullptr && raw_->find(name)->stored == info->stored;
  return plain ? raw_->tensor_as(name, dtype) : tensor(name).to(dtype);
}

void compressed_tensors_source::outline_four_bit_floats(const std::string &module,
                                                        const std::string &format,
                                                        stored_linear &out) const {
  const auto reject = [&](const std::string &what) {
    throw error(error_kind::failed, what).at(where_).layer(module);
  };
  const at::Tensor packed = raw_->tensor(module + ".weight_packed");
  const at::Tensor scales = raw_->tensor(module + ".weight_scale");
  if (packed.scalar_type() != at::kByte || packed.dim() != 2 || scales.dim() != 2 ||
      scales.size(1) < 1)
    reject("weight_packed or weight_scale is not a matrix of the format");
  out.codes = shape_only(packed.size(0), 2 * packed.size(1), at::kFloat8_e4m3fn);
  if (format == "mxfp4-pack-quantized") {
    if (scales.scalar_type() != at::kByte) reject("weight_scale holds no exponents");
    out.scales = powers_of_two(scales);
    return;
  }
  if (!raw_->has(module + ".weight_global_scale")) reject("no weight_global_scale");
  const at::Tensor divisor = raw_->tensor(module + ".weight_global_scale").to(at::kFloat);
  if (divisor.numel() != 1) reject("weight_global_scale is not one number");
  out.scales = scales;
  out.scale_divisor = divisor.reshape({1, 1});
}

// Reads the scales, the group of each column (g_idx) and the zero points. Each part must fit the weight.
stored_linear compressed_tensors_source::outline(const std::string &module) const {
  const scheme &s = scheme_of(module);
  const auto reject = [&](const std::string &what) {
    throw error(error_kind::failed, what).at(where_).layer(module);
  };
  stored_linear out;
  out.name = module;
  out.bits = s.bits;
  out.group_size = s.group_size;
  out.symmetric = s.symmetric;
  out.format = s.format;
  const bool packed = raw_->has(module + ".weight_packed");
  if (packed && is_four_bit_float(s.format)) {
    outline_four_bit_floats(module, s.format, out);
    if (out.codes.size(1) % out.scales.size(1) || out.scales.size(0) != out.codes.size(0) ||
        out.codes.size(1) / out.scales.size(1) != s.group_size)
      reject("weight_scale does not fit the weight");
    return out;
  }
  if (packed) {
    const at::Tensor shape = shape_of(module);
    const int64_t rows = shape[0].item<int64_t>(), in = shape[1].item<int64_t>();
    const at::Tensor words = raw_->tensor(module + ".weight_packed");
    if (words.scalar_type() != at::kInt || words.dim() != 2 || words.size(0) != rows ||
        words.size(1) != (in * s.bits + 31) / 32)
      reject("weight_packed does not fit weight_shape and num_bits");
    out.codes = shape_only(rows, in, at::kChar);
  } else {
    out.codes = raw_->tensor(module + ".weight");  // int8 codes or float8 values
    if (out.codes.dim() != 2) reject("the quantized weight is not a matrix");
  }
  const int64_t rows = out.codes.size(0), in = out.codes.size(1);
  out.scales = raw_->tensor(module + ".weight_scale");
  if (out.scales.dim() <= 1) out.scales = out.scales.reshape({-1, 1});
  const int64_t groups = out.scales.size(1);
  if (out.scales.dim() != 2 || (out.scales.size(0) != rows && out.scales.size(0) != 1) ||
      groups < 1)
    reject("weight_scale does not fit the weight");
  if (raw_->has(module + ".weight_g_idx"))
    out.g_idx = raw_->tensor(module + ".weight_g_idx").to(at::kInt);
  if (out.g_idx.defined()) {
    const bool fits = out.g_idx.numel() == in &&
                      (out.g_idx >= 0).logical_and(out.g_idx < groups).all().item<bool>();
    if (!fits) reject("weight_g_idx does not fit the weight");
  } else if (groups > 1 && (s.group_size < 1 || in % groups != 0 || in / groups != s.group_size)) {
    reject("weight_scale does not fit group_size");
  }
  if (raw_->has(module + ".weight_zero_point")) {
    const at::Tensor zero = raw_->tensor(module + ".weight_zero_point");
    if (!packed || zero.scalar_type() == at::kChar) {
      out.zero_points = zero.reshape({-1, groups});
    } else {  // packed along out, one column per group
      if (zero.dim() != 2 || zero.size(1) != groups || zero.size(0) != (rows * s.bits + 31) / 32)
        reject("weight_zero_point does not fit the weight");
      out.zero_points = unpack_codes(zero.t(), rows, s.bits).t().contiguous();
    }
  }
  if (!s.symmetric && !s.is_float && !out.zero_points.defined())
    reject("an asymmetric weight without weight_zero_point");
  return out;
}

// Words of any format are rows of bytes: packed integers, packed 4-bit floats (the first of two codes in the low half of a byte), or
// one byte for each code.
code_words compressed_tensors_source::words(const std::string &module) const {
  const scheme &s = scheme_of(module);
  const bool packed = raw_->has(module + ".weight_packed");
  code_words out;
  const at::Tensor codes = raw_->tensor(module + (packed ? ".weight_packed" : ".weight"));
  const int64_t row_bytes = codes.size(1) * static_cast<int64_t>(codes.element_size());
  const int64_t bits = packed ? s.bits : 8;
  if ((!packed && s.bits != 8) || row_bytes % (4 * bits) != 0) return out;
  out.held = codes;
  out.first = static_cast<const uint8_t *>(codes.const_data_ptr());
  out.row_stride = row_bytes;
  out.word_stride = 4;
  if (!packed && codes.scalar_type() == at::kChar) out.flip = 0x80808080u;
  return out;
}

stored_linear compressed_tensors_source::read(const std::string &module) const {
  stored_linear out = outline(module);
  if (out.codes.is_meta()) {
    const at::Tensor packed = raw_->tensor(module + ".weight_packed");
    out.codes = is_four_bit_float(out.format) ? unpack_e2m1(packed)
                                              : unpack_codes(packed, out.codes.size(1), out.bits);
  }
  out.require_values(where_);
  return out;
}

}  // namespace assay::model
