// Brings each form into the layout that the packed kernels read. plugin_api/ABI.md has the formulas of the formats.
#include "quant/packed_forms.hpp"

#include <vector>

#include "core/error.hpp"
#include "kernels/widen.hpp"
#include "quant/export/export_plan.hpp"

namespace assay::quant {
namespace {

using model::column_part;
using model::packed_weight;
using model::stored_linear;

int64_t half_range(int64_t bits) {
  return int64_t{1} << (bits - 1);
}

// Codes and zeros of a stored linear are signed. `codes`: int8, or uint8 from 0.
void take_integers(const quantized_linear &form, stored_linear &out) {
  const at::Tensor codes = *form.find("codes");
  const bool from_zero = codes.scalar_type() == at::kByte;
  const int64_t shift = from_zero ? half_range(out.bits) : 0;
  out.codes = from_zero ? (codes.to(at::kShort) - shift).to(at::kChar) : codes;
  if (const at::Tensor *zeros = form.find("zeros"))
    out.zero_points = at::isFloatingType(zeros->scalar_type())
                          ? zeros->to(at::kFloat) - static_cast<double>(shift)
                          : zeros->to(at::kShort) - shift;
  if (const at::Tensor *index = form.find("g_idx")) out.g_idx = *index;
}

// Turns bytes e into 2^(e - 127).
at::Tensor powers_of_two(const at::Tensor &exponents) {
  const at::Tensor from = exponents.contiguous();
  at::Tensor out = at::empty(from.sizes(), at::kFloat);
  const uint8_t *in = from.const_data_ptr<uint8_t>();
  float *to = out.mutable_data_ptr<float>();
  for (int64_t i = 0; i < from.numel(); ++i) to[i] = model::power_of_two(in[i]);
  return out;
}

// The scales of float/1 are stored in one of three ways (plugin_api/ABI.md, "Formats").
bool take_float_scales(const quantized_linear &form, stored_linear &out) {
  if (const at::Tensor *exponents = form.find("scale_exponents")) {
    out.scales = powers_of_two(*exponents);
    out.format = "mxfp4-pack-quantized";  // pack_codes then stores the exponents
  } else if (const at::Tensor *small = form.find("scales_e4m3")) {
    out.scales = small->view(at::kFloat8_e4m3fn);
    out.scale_divisor = form.find("tensor_divisor")->reshape({1, 1});
  } else if (const at::Tensor *scales = form.find("scales")) {
    out.scales = *scales;
  }
  return out.scales.defined();
}

// Reads what all formats have. Returns false, with the reason, if the groups are such that no kernel runs them.
bool begin(const quantized_linear &form, stored_linear &out, std::string &why) {
  out.name = form.name;
  out.format = form.note.value("format", "");
  out.bits = form.note.value("bits", 0);
  out.group_size = form.note.value("group_size", 0);
  if (form.find("codes") == nullptr || out.bits < 1) return why = "it has no codes", false;
  if (form.find("tensor_scale") != nullptr)
    return why = "it has a scale of the whole matrix", false;
  if (!take_float_scales(form, out)) return why = "it has no scales", false;
  if (out.group_size > 0 && form.in_features % out.group_size != 0 && out.scales.size(1) > 1)
    return why = "the last group of a row is short", false;
  return true;
}

std::shared_ptr<const packed_weight> packed(const stored_linear &stored,
                                            std::vector<float> codebook = {},
                                            std::vector<column_part> parts = {}) {
  return std::make_shared<packed_weight>(model::pack_codes(stored, std::move(codebook)),
                                         stored.format, std::move(parts));
}

int codebook_bits(const at::Tensor &values) {
  return values.numel() <= 16 ? 4 : 8;
}

// The values of a codebook for codes of 4 or 8 bits, which kernels run; codes beyond the given values do not occur.
std::vector<float> whole_codebook(const at::Tensor &values) {
  const at::Tensor given = values.to(at::kFloat).contiguous();
  std::vector<float> out(given.const_data_ptr<float>(),
                         given.const_data_ptr<float>() + given.numel());
  out.resize(size_t{1} << codebook_bits(values), 0.0f);
  return out;
}

// --- salient columns: parts of the form with more bits ---

// One tier: int8 codes [out, n] on a symmetric grid, for the columns `index` [n]. The codes are filled up with zeros to whole groups.
column_part tier(const quantized_linear &form, const std::string &name, const form_tensor &codes) {
  const at::Tensor index = form.find(name + "_idx")->to(at::kLong),
                   scales = *form.find(name + "_scales");
  const int64_t n = index.numel(), groups = scales.size(1),
                group = form.note.value("group_size", 0);
  const int64_t missing = group > 0 && groups > 1 ? groups * group - n : 0;
  stored_linear stored;
  stored.name = form.name;
  stored.bits = codes.packed_bits;
  stored.format = "salient/1";
  stored.scales = scales;
  stored.codes = at::constant_pad_nd(codes.tensor, {0, missing});
  const at::Tensor columns = at::constant_pad_nd(index, {0, missing});
  if (model::lacks_kernel(stored).empty()) return {columns, packed(stored)};
  return {columns, std::make_shared<packed_weight>(stored.dequantize(), stored.format)};
}

// Returns the parts of a salient form, and sets the weights of their columns to zero among the other codes.
std::vector<column_part> take_tiers(const quantized_linear &form, stored_linear &base) {
  std::vector<column_part> parts;
  for (const form_tensor &one : form.tensors)
    if (one.role == "keep_values")
      parts.push_back({form.find("keep_idx")->to(at::kLong),
                       std::make_shared<packed_weight>(one.tensor, base.format)});
    else if (one.role.ends_with("_codes"))
      parts.push_back(tier(form, one.role.substr(0, one.role.size() - 6), one));
  if (!base.zero_points.defined()) return parts;  // the codes of these columns are 0 already
  base.codes = base.codes.clone();
  const int64_t group = base.group_size > 0 ? base.group_size : form.in_features;
  for (const form_tensor &one : form.tensors) {
    if (!one.role.ends_with("_idx") || one.role == "g_idx") continue;
    const at::Tensor columns = one.tensor.to(at::kLong);
    base.codes.index_copy_(
        1, columns, base.zero_points.index_select(1, columns.div(group, "floor")).to(at::kChar));
  }
  return parts;
}

// --- blocks of GGUF files (kquant/1) ---

// The factors of a block are moved to where the kernels read them; none is rounded.
std::shared_ptr<const packed_weight> packed_blocks(const quantized_linear &form) {
  const at::Tensor codes = *form.find("codes"), scales = *form.find("scales");
  const at::Tensor *steps = form.find("steps"), *minima = form.find("minima"),
                   *minimum_steps = form.find("minimum_steps");
  const auto bits = form.note.at("bits").get<int>();
  const auto group = form.note.at("group_size").get<int64_t>();
  const bool is_signed = codes.scalar_type() == at::kChar;
  model::packed_matrix out;
  using enum model::factor_type;
  out.scale_type = steps == nullptr ? f16 : steps->scalar_type() == at::kChar ? step_i8 : step_u8;
  if (minima != nullptr) out.minimum_type = minimum_steps != nullptr ? step_u8 : f16;
  if (steps != nullptr) out.super = form.in_features / scales.size(1) / group;
  if (const at::Tensor *values = form.find("codebook"))
    out.codebook = whole_codebook(*values);
  else if (is_signed)
    out.shift = -static_cast<float>(half_range(bits));
  model::shape_matrix(out, form.out_features, form.in_features, bits, group);
  const at::Tensor from_zero =
      is_signed ? (codes.to(at::kShort) + half_range(bits)).to(at::kByte) : codes.contiguous();
  for (int64_t row = 0; row < out.rows; ++row)
    model::write_codes(out, row, from_zero.const_data_ptr<uint8_t>() + row * out.columns);
  model::place_factors(steps != nullptr ? *steps : scales, out.rows, out.scales);
  if (steps != nullptr) model::place_factors(scales, out.rows, out.super_scales);
  if (minimum_steps != nullptr) {
    model::place_factors(*minimum_steps, out.rows, out.minima);
    model::place_factors(*minima, out.rows, out.super_minima);
  } else if (minima != nullptr) {  // the form subtracts its minima, a packed weight adds them
    model::place_factors(minima->neg(), out.rows, out.minima);
  }
  return std::make_shared<packed_weight>(std::move(out), form.note.value("block", "kquant/1"));
}

}  // namespace

std::string lacks_kernel(const quantized_linear &form) {
  const std::string format = form.note.value("format", "");
  if (format == "kquant/1")
    return model::lacks_kernel(form.note.at("bits").get<int>(), form.in_features,
                               form.note.at("group_size").get<int64_t>(),
                               form.find("codebook") != nullptr);
  stored_linear stored;
  std::string why;
  if (!begin(form, stored, why)) return why;
  stored.codes = *form.find("codes");
  if (const at::Tensor *index = form.find("g_idx")) stored.g_idx = *index;
  if (format == "int/1" || format == "affine/1" || format == "salient/1")
    return model::lacks_kernel(stored);
  if (format == "codebook/1") {
    stored.bits = codebook_bits(*form.find("codebook"));
    return model::lacks_kernel(stored, true);
  }
  if (format == "float/1") return model::lacks_kernel(stored, true);
  return "the format " + format + " has no kernel";
}

std::shared_ptr<const packed_weight> packed_form(const quantized_linear &form, std::string &why) {
  why = lacks_kernel(form);
  if (!why.empty()) return nullptr;
  const std::string format = form.note.value("format", "");
  if (format == "kquant/1") return packed_blocks(form);
  stored_linear stored;
  begin(form, stored, why);
  const at::Tensor codes = *form.find("codes");
  if (format == "int/1" || format == "affine/1") {
    take_integers(form, stored);
    return packed(stored);
  }
  if (format == "salient/1") {
    take_integers(form, stored);
    std::vector<column_part> parts = take_tiers(form, stored);
    return packed(stored, {}, std::move(parts));
  }
  stored.codes = codes;
  if (format == "codebook/1") {
    stored.bits = codebook_bits(*form.find("codebook"));
    return packed(stored, whole_codebook(*form.find("codebook")));
  }
  if (stored.bits == 4) return packed(stored, model::e2m1_values());
  stored.codes = codes.view(at::kFloat8_e4m3fn);
  return packed(stored);
}

std::vector<std::string> without_kernel(const quantized_model &quantized) {
  std::vector<std::string> out;
  for (const std::string &name : quantized.order)
    if (const std::string why = lacks_kernel(quantized.form(name)); !why.empty())
      out.push_back(name + ": " + why);
  return out;
}

model::stored_codes planned_codes(const recipe &recipe, const model::checkpoint &subject) {
  model::stored_codes out;
  const json plan = plan_of(recipe, subject);
  for (const json &item : plan["items"]) {
    ++out.count;
    const auto format = item["format"].get<std::string>();
    const auto bits = item["bits"].get<int>();
    if (format == "kquant/1" || bits == 0)
      continue;  // the quantizer chooses; kernels run all its blocks
    const auto in = item["in"].get<int64_t>(), size = item["group_size"].get<int64_t>();
    const bool codebook = format == "codebook/1" || format == "float/1";
    const std::string why = model::lacks_kernel(codebook ? (bits <= 4 ? 4 : 8) : bits, in,
                                                size > 0 && size < in ? size : in, codebook);
    if (!why.empty()) out.without_kernel.push_back(item["name"].get<std::string>() + ": " + why);
  }
  return out;
}

model::decoder packed_decoder(const quantized_model &quantized) {
  model::decoder out = quantized.decoder;
  if (out.on_demand())
    throw error(error_kind::usage, "a model that was quantized block by block is not in memory")
        .hint("Save it, and load the folder with runtime = \"packed\"");
  if (!out.device().is_cpu()) throw error(error_kind::usage, "packed weights run on the CPU only");
  out.pack([&](const std::string &name, const at::Tensor &weight,
               std::string &told) -> std::shared_ptr<const packed_weight> {
    if (quantized.forms.contains(name)) {
      std::string why;
      if (auto codes = packed_form(quantized.form(name), why)) return codes;
      told = name + " runs from floats: " + why;
    }
    return std::make_shared<packed_weight>(weight.contiguous(), "float32");
  });
  return out;
}

}  // namespace assay::quant
