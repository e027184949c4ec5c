// Turns stored linears and GGUF blocks into the forms of plugin_api/ABI.md, "Formats".
#include "quant/export/stored_forms.hpp"

#include <algorithm>
#include <limits>

#include "checkpoint/gguf/gguf_codes.hpp"
#include "core/error.hpp"
#include "kernels/threads.hpp"
#include "model/decoder_layout.hpp"
#include "packed/pack_weight.hpp"
#include "quant/export/export_plan.hpp"
#include "quant/recipe.hpp"

namespace assay::quant {
namespace {

using model::block_codes;
using model::block_factor;
using model::quantized_source;
using model::stored_blocks;
using model::stored_linear;

constexpr int64_t k_whole_row = 0;  // group_size in a note: one group for each row

uint32_t bits_of(const at::Tensor &tensor) {
  return static_cast<uint32_t>(8 * tensor.element_size());
}

void put(quantized_linear &form, const std::string &role, at::Tensor tensor, uint32_t bits = 0) {
  const uint32_t width = bits > 0 ? bits : bits_of(tensor);
  form.packed_bits += static_cast<double>(tensor.numel()) * width;
  form.tensors.push_back({role, std::move(tensor), width});
}

quantized_linear begin(const std::string &name, int64_t out, int64_t in) {
  quantized_linear form;
  form.name = name;
  form.role = role_of(name);
  form.out_features = out;
  form.in_features = in;
  form.relative_error = std::numeric_limits<double>::quiet_NaN();  // the float weight is unknown
  return form;
}

json note_of(const char *format, int64_t bits, int64_t group, bool symmetric) {
  return {{"format", format}, {"bits", bits}, {"group_size", group}, {"symmetric", symmetric}};
}

// Codes and zeros of a stored linear are shifted down by half of their range; those of a form begin at 0.
at::Tensor from_zero(const at::Tensor &shifted, int64_t bits) {
  return (shifted.to(at::kShort) + (1 << (bits - 1))).to(at::kByte);
}

// ---- linears of compressed-tensors, GPTQ and AWQ ----

bool is_centred(const stored_linear &stored) {
  return !stored.zero_points.defined() || !stored.zero_points.any().item<bool>();
}

// The scales for each row: [1, groups] and [1, 1] are shared by all rows.
at::Tensor scales_of(const stored_linear &stored) {
  return stored.scales.expand({stored.codes.size(0), stored.scales.size(1)}).contiguous();
}

void put_floats(quantized_linear &form, const stored_linear &stored) {
  const bool wide = stored.bits == 8;
  at::Tensor codes;
  if (wide)
    codes = stored.codes.contiguous().view(at::kByte);
  else if (stored.codes.is_meta())
    codes = model::shape_only(form.out_features, form.in_features, at::kByte);
  else
    codes = model::e2m1_codes(stored.codes);
  put(form, "codes", codes, static_cast<uint32_t>(stored.bits));
  if (stored.scale_divisor.defined()) {
    put(form, "scales_e4m3", stored.scales.contiguous().view(at::kByte));
    put(form, "tensor_divisor", stored.scale_divisor.reshape({1}));
  } else if (!wide) {  // powers of two: their exponents are enough
    put(form, "scale_exponents",
        stored.scales.contiguous().view(at::kInt).bitwise_right_shift(23).to(at::kByte));
  } else {
    put(form, "scales", scales_of(stored));
  }
}

// symmetric: the zero points are those of a symmetric grid and are left out.
quantized_linear form_of(const stored_linear &stored, bool symmetric) {
  quantized_linear form = begin(stored.name, stored.codes.size(0), stored.codes.size(1));
  const int64_t groups = stored.scales.size(1);
  const int64_t group = groups == 1 ? k_whole_row : form.in_features / groups;
  const auto bits = static_cast<uint32_t>(stored.bits);
  if (at::isFloatingType(stored.codes.scalar_type())) {
    form.note = note_of("float/1", stored.bits, group, true);
    put_floats(form, stored);
    return form;
  }
  form.note = note_of("int/1", stored.bits, group, symmetric);
  put(form, "codes", symmetric ? stored.codes.contiguous() : from_zero(stored.codes, stored.bits),
      bits);
  put(form, "scales", scales_of(stored));
  if (!symmetric)
    put(form, "zeros",
        from_zero(stored.zero_points, stored.bits).expand({form.out_features, groups}).contiguous(),
        bits);
  return form;
}

// ---- blocks of GGUF files ----

at::Tensor table(const stored_blocks &blocks, int64_t per_row, at::ScalarType dtype, bool values) {
  return values ? at::empty({blocks.rows, per_row}, dtype)
                : model::shape_only(blocks.rows, per_row, dtype);
}

// The tensors of a form of blocks, while they are filled. Those that the type lacks are undefined.
struct block_tables {
  at::Tensor codes, scales, steps, minima, minimum_steps;
};

block_tables make_tables(const stored_blocks &blocks, const block_codes &kind, bool values) {
  const int64_t groups = blocks.columns / kind.group,
                n_blocks = blocks.columns / blocks.format->block_elements;
  const bool steps = kind.has_steps(), minimum = kind.minimum != block_factor::none;
  block_tables out;
  out.codes = table(blocks, blocks.columns, kind.lowest < 0 ? at::kChar : at::kByte, values);
  out.scales = table(blocks, steps ? n_blocks : groups, at::kHalf, values);
  if (steps)
    out.steps = table(blocks, groups,
                      kind.scale == block_factor::signed_step ? at::kChar : at::kByte, values);
  if (minimum) out.minima = table(blocks, steps ? n_blocks : groups, at::kHalf, values);
  if (minimum && steps) out.minimum_steps = table(blocks, groups, at::kByte, values);
  return out;
}

uint8_t *row_of(const at::Tensor &tensor, int64_t row) {
  if (!tensor.defined()) return nullptr;
  return static_cast<uint8_t *>(tensor.mutable_data_ptr()) +
         row * tensor.size(1) * static_cast<int64_t>(tensor.element_size());
}

// Takes the blocks of one row apart, into the same row of the tables.
void read_row(const stored_blocks &blocks, const block_codes &kind, int64_t row,
              const block_tables &to) {
  const int64_t size = blocks.format->block_elements, groups = size / kind.group;
  const uint8_t *in =
      blocks.bytes + blocks.row_in_file(row) * (blocks.columns / size) * blocks.format->block_bytes;
  uint8_t *codes = row_of(to.codes, row), *scales = row_of(to.scales, row),
          *steps = row_of(to.steps, row), *minima = row_of(to.minima, row),
          *minimum_steps = row_of(to.minimum_steps, row);
  const bool stepped = kind.has_steps();
  for (int64_t at = 0; at < blocks.columns; at += size, in += blocks.format->block_bytes) {
    const int64_t block = at / size, group = block * groups;
    const auto place = [](uint8_t *first, int64_t bytes) {
      return first == nullptr ? nullptr : first + bytes;
    };
    model::block_parts parts = {codes + at, nullptr, nullptr, nullptr, nullptr};
    parts.scales = stepped ? place(steps, group) : place(scales, 2 * group);
    parts.minima = stepped ? place(minimum_steps, group) : place(minima, 2 * group);
    parts.super_scales = place(scales, 2 * block);
    parts.super_minima = place(minima, 2 * block);
    kind.read(in, parts);
  }
  for (int64_t i = 0; i < blocks.columns; ++i)
    codes[i] = static_cast<uint8_t>(codes[i] + kind.lowest);
  if (minima != nullptr && !stepped)  // the file adds this number, the form subtracts it
    for (int64_t i = 0; i < to.minima.size(1); ++i) minima[2 * i + 1] ^= 0x80;
}

quantized_linear form_of(const std::string &name, const stored_blocks &blocks,
                         const block_codes &kind, bool values) {
  quantized_linear form = begin(name, blocks.rows, blocks.columns);
  const bool minimum = kind.minimum != block_factor::none, fixed = kind.codebook != nullptr;
  const char *format = kind.has_steps() || minimum ? "kquant/1" : fixed ? "codebook/1" : "int/1";
  form.note =
      note_of(format, kind.bits, kind.group == blocks.columns ? k_whole_row : kind.group, !minimum);
  form.note["block"] = blocks.format->name;
  const block_tables tables = make_tables(blocks, kind, values);
  if (values)
    model::parallel_for(0, blocks.rows, 16, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) read_row(blocks, kind, row, tables);
    });
  const auto step_bits = static_cast<uint32_t>(kind.step_bits);
  put(form, "codes", tables.codes, static_cast<uint32_t>(kind.bits));
  put(form, "scales", tables.scales);
  if (tables.steps.defined()) put(form, "steps", tables.steps, step_bits);
  if (tables.minima.defined()) put(form, "minima", tables.minima);
  if (tables.minimum_steps.defined()) put(form, "minimum_steps", tables.minimum_steps, step_bits);
  if (fixed)
    put(form, "codebook",
        at::from_blob(const_cast<float *>(kind.codebook), {16}, at::kFloat).clone());
  if (values)
    for (const at::Tensor &factors : {tables.scales, tables.minima})
      if (factors.defined() && !factors.isfinite().all().item<bool>())
        throw error(error_kind::failed, "a scale is infinite or not a number")
            .layer(name)
            .hint("The file is damaged or was quantized from broken weights; quantize it again");
  return form;
}

bool is_half_table(const stored_blocks &blocks) {
  return blocks.format != nullptr && blocks.format->code_bits == 0 &&
         blocks.format->block_bytes == 2;
}

bool matches_any(const std::vector<std::string> &patterns, const std::string &name) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string &pattern) {
    return matches_linear(pattern, name, role_of(name));
  });
}

// A tied head is the embedding, under either name.
bool is_kept(const std::vector<std::string> &patterns, const std::string &name, bool tied) {
  return matches_any(patterns, name) ||
         (tied && name == model::k_embedding_name && matches_any(patterns, model::k_head_name));
}

const quantized_source *quantized_part(const model::checkpoint &source) {
  return dynamic_cast<const quantized_source *>(&source.tensors());
}

}  // namespace

std::string why_not_moved(const stored_linear &stored) {
  if (stored.g_idx.defined())
    return "its groups follow the order of act-order, which no format here stores";
  if (stored.codes.scalar_type() == at::kFloat8_e5m2)
    return "its codes are 8-bit floats of the kind E5M2";
  if (!stored.zero_points.defined()) return "";
  const at::Tensor zeros = stored.zero_points.to(at::kShort) + (1 << (stored.bits - 1));
  if (zeros.lt(0).logical_or(zeros.ge(int64_t{1} << stored.bits)).any().item<bool>())
    return "a zero point lies outside the codes of " + std::to_string(stored.bits) + " bits";
  return "";
}

stored_forms::stored_forms(std::shared_ptr<const model::checkpoint> source,
                           const std::vector<std::string> &keep, bool tied)
    : source_(std::move(source)) {
  if (quantized_part(*source_) != nullptr)
    outline_quantized(keep, tied);
  else
    outline_blocks(keep, tied);
}

void stored_forms::outline_quantized(const std::vector<std::string> &keep, bool tied) {
  const quantized_source &quantized = *quantized_part(*source_);
  std::vector<stored_linear> found;
  for (const std::string &module : quantized.quantized()) {
    if ((tied && module == model::k_head_name) || is_kept(keep, module, tied)) continue;
    stored_linear outline = quantized.outline(module);
    if (const std::string why = why_not_moved(outline); !why.empty()) {
      problems_.push_back({module, why});
      continue;
    }
    all_centred_ = all_centred_ && is_centred(outline);
    found.push_back(std::move(outline));
  }
  for (const stored_linear &one : found)
    outlines_.push_back(form_of(one, all_centred_ || (one.symmetric && is_centred(one))));
}

void stored_forms::outline_blocks(const std::vector<std::string> &keep, bool tied) {
  for (const model::tensor_info &info : source_->tensors().tensors()) {
    if (info.shape.size() != 2 || !info.name.ends_with(".weight")) continue;
    const std::string module = info.name.substr(0, info.name.size() - 7);
    const stored_blocks blocks = source_->tensors().blocks(info.name);
    if (blocks.format == nullptr || (tied && module == model::k_head_name)) continue;
    if (is_half_table(blocks)) {
      const bool half = std::string(blocks.format->name) == "F16";
      halves_.emplace_back(info.name, model::shape_only(blocks.rows, blocks.columns,
                                                        half ? at::kHalf : at::kBFloat16));
    } else if (blocks.format->code_bits > 0 && !is_kept(keep, module, tied)) {
      const block_codes *kind = model::find_block_codes(*blocks.format);
      if (kind == nullptr)
        problems_.push_back(
            {module, std::string("blocks of ") + blocks.format->name + " are not taken apart"});
      else
        outlines_.push_back(form_of(module, blocks, *kind, false));
    }
  }
}

void stored_forms::demand_half_scales() {
  half_scales_ = true;
  for (quantized_linear &outline : outlines_) {
    if (outline.note["format"] != "int/1") continue;
    for (form_tensor &part : outline.tensors) {
      if (part.role != "scales" || part.tensor.scalar_type() == at::kHalf) continue;
      const at::Tensor half = part.tensor.to(at::kHalf);
      if (!half.to(at::kFloat).equal(part.tensor.to(at::kFloat)))
        problems_.push_back(
            {outline.name, "a scale is no float16 number, which this format stores"});
      outline.packed_bits +=
          16.0 * static_cast<double>(half.numel()) -
          static_cast<double>(part.packed_bits) * static_cast<double>(half.numel());
      part.tensor = half;
      part.packed_bits = 16;
    }
  }
}

quantized_linear stored_forms::read(const std::string &name, bool values) const {
  if (const quantized_source *quantized = quantized_part(*source_)) {
    const stored_linear stored = values ? quantized->read(name) : quantized->outline(name);
    quantized_linear form =
        form_of(stored, all_centred_ || (stored.symmetric && is_centred(stored)));
    for (form_tensor &part : form.tensors)
      if (half_scales_ && part.role == "scales" && form.note["format"] == "int/1")
        part.tensor = part.tensor.to(at::kHalf);
    return form;
  }
  const stored_blocks blocks = source_->tensors().blocks(name + ".weight");
  return form_of(name, blocks, *model::find_block_codes(*blocks.format), values);
}

at::Tensor stored_forms::values_of(const std::string &name, const at::Tensor &held) const {
  if (!held.is_meta()) return held;
  const stored_blocks blocks = source_->tensors().blocks(name);
  const at::Tensor rows = at::from_blob(const_cast<uint8_t *>(blocks.bytes),
                                        {blocks.rows, blocks.columns}, held.scalar_type());
  if (blocks.heads == 0) return rows;
  at::Tensor order = at::empty({blocks.rows}, at::kLong);
  for (int64_t row = 0; row < blocks.rows; ++row)
    order.mutable_data_ptr<int64_t>()[row] = blocks.row_in_file(row);
  return rows.index_select(0, order);
}

const quantized_linear &stored_forms::values_of(const quantized_linear &held) const {
  const std::string last = current_.name;
  current_ = {};  // first, because its tensors may borrow the pages that are now given back
  if (!last.empty())
    for (const model::tensor_info &part : source_->raw_tensors().tensors())
      if (part.name.starts_with(last + ".")) source_->raw_tensors().give_back(part.name);
  current_ = read(held.name, true);
  // What the host added to the outline, such as the grid of the linear's inputs, stays.
  for (const form_tensor &part : held.tensors)
    if (current_.find(part.role) == nullptr) current_.tensors.push_back(part);
  return current_;
}

}  // namespace assay::quant
