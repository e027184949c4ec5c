// Packs the codes of quantized linears, and keeps weights that are stored in floats as rows of floats.
#include "packed/pack_weight.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"
#include "kernels/threads.hpp"

namespace assay::model {
namespace {

constexpr float k_e2m1[16] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0f, -0.5, -1, -1.5, -2, -3, -4, -6};

bool is_float8(const at::Tensor &t) {
  return t.scalar_type() == at::kFloat8_e4m3fn || t.scalar_type() == at::kFloat8_e5m2;
}

// Returns the columns sorted by group (in their old order within a group), so that the codes of a
// group lie together. Returns an empty list if groups have different sizes.
std::vector<int32_t> order_of(const stored_linear &stored, int64_t groups) {
  const int64_t columns = stored.codes.size(1);
  const at::Tensor index = stored.g_idx.to(at::kInt).contiguous();
  const int32_t *group = index.const_data_ptr<int32_t>();
  std::vector<int64_t> count(static_cast<size_t>(groups), 0);
  for (int64_t c = 0; c < columns; ++c) ++count[static_cast<size_t>(group[c])];
  for (const int64_t n : count)
    if (n * groups != columns) return {};
  std::vector<int32_t> order(static_cast<size_t>(columns));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return group[a] < group[b]; });
  return order;
}

// Returns the value of each of the 256 codes of an 8-bit float.
std::vector<float> float8_codebook(at::ScalarType type) {
  const at::Tensor codes = at::arange(256, at::kInt).to(at::kByte);
  at::Tensor values = codes.view(type).to(at::kFloat);
  values =
      at::where(values.isfinite(), values, at::zeros_like(values));  // no weight is infinite or NaN
  return {values.const_data_ptr<float>(), values.const_data_ptr<float>() + 256};
}

// Chooses how the scales are kept: in their stored type if the kernels can read it, else in fp32.
void choose_scales(const stored_linear &stored, packed_matrix &out, at::Tensor &scales) {
  scales = stored.scales;
  if (scales.scalar_type() == at::kFloat8_e4m3fn) {
    out.scale_type = factor_type::e4m3;
  } else if (scales.scalar_type() == at::kBFloat16) {
    out.scale_type = factor_type::bf16;
  } else if (scales.scalar_type() == at::kHalf) {
    out.scale_type = factor_type::f16;
  } else {
    scales = scales.to(at::kFloat);
    out.scale_type = factor_type::f32;
    if (stored.format == "mxfp4-pack-quantized") {  // powers of two: their exponent bits are enough
      scales = scales.contiguous().view(at::kInt).bitwise_right_shift(23).to(at::kByte);
      out.scale_type = factor_type::e8m0;
    }
  }
  if (stored.scale_divisor.defined()) out.outer = 1.0f / stored.scale_divisor.item<float>();
}

void require_finite(const stored_linear &stored) {
  const at::Tensor scales = stored.scales.to(at::kFloat);
  if (scales.isfinite().all().item<bool>()) return;
  throw error(error_kind::failed, "a scale is infinite or not a number")
      .layer(stored.name)
      .hint("The file is damaged or was quantized from broken weights; quantize it again");
}

}  // namespace

void place_factors(const at::Tensor &factors, int64_t rows, aligned_bytes &to) {
  const at::Tensor whole = factors.expand({rows, factors.size(1)}).contiguous();
  const auto size = static_cast<size_t>(whole.element_size());
  const auto *from = static_cast<const uint8_t *>(whole.const_data_ptr());
  const int64_t groups = whole.size(1);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t group = 0; group < groups; ++group)
      std::memcpy(
          to.data() + static_cast<size_t>((row / k_panel_rows * groups + group) * k_panel_rows +
                                          row % k_panel_rows) *
                          size,
          from + static_cast<size_t>(row * groups + group) * size, size);
}

at::Tensor e2m1_codes(const at::Tensor &values) {
  uint8_t code_of[256] = {};
  const at::Tensor all = at::from_blob(const_cast<float *>(k_e2m1), {16}, at::kFloat)
                             .to(at::kFloat8_e4m3fn)
                             .view(at::kByte);
  for (int code = 0; code < 16; ++code)
    code_of[all[code].item<uint8_t>()] = static_cast<uint8_t>(code);
  at::Tensor out = at::empty(values.sizes(), at::kByte);
  const at::Tensor bytes = values.contiguous().view(at::kByte);
  const uint8_t *from = bytes.const_data_ptr<uint8_t>();
  uint8_t *to = out.mutable_data_ptr<uint8_t>();
  for (int64_t i = 0; i < values.numel(); ++i) to[i] = code_of[from[i]];
  return out;
}

std::vector<float> e2m1_values() {
  return {std::begin(k_e2m1), std::end(k_e2m1)};
}

std::string lacks_kernel(const stored_linear &stored, bool has_codebook) {
  const int64_t columns = stored.codes.size(1), groups = stored.scales.size(1);
  if (stored.g_idx.defined() && order_of(stored, groups).empty())
    return "groups of different sizes have no kernel";
  const bool codebook = has_codebook || is_float8(stored.codes);
  const int bits = is_float8(stored.codes) && stored.bits != 4 ? 8 : static_cast<int>(stored.bits);
  return lacks_kernel(bits, columns, columns / groups, codebook);
}

namespace {

// The scales and minima of a linear as the kernels read them, [rows or 1, groups]; minima may be undefined.
struct kernel_factors {
  at::Tensor scales, minima;
};

// Chooses how scales, zero points and the values of codes are kept, and sets the fields of `out` that say so, and its width of
// codes. Zero points become minima.
kernel_factors choose_factors(const stored_linear &stored, std::vector<float> codebook,
                              packed_matrix &out) {
  kernel_factors factors;
  choose_scales(stored, out, factors.scales);
  out.bits = static_cast<int>(stored.bits);
  if (!codebook.empty()) {
    out.codebook = std::move(codebook);
    return factors;
  }
  if (is_float8(stored.codes)) {
    if (out.bits != 4) out.bits = 8;
    out.codebook = out.bits == 4 ? e2m1_values() : float8_codebook(stored.codes.scalar_type());
    return factors;
  }
  out.shift = -static_cast<float>(1 << (out.bits - 1));
  if (!stored.zero_points.defined() || stored.zero_points.count_nonzero().item<int64_t>() == 0)
    return factors;
  const at::Tensor zeros = stored.zero_points.to(at::kShort) + (1 << (out.bits - 1));
  const bool whole = !at::isFloatingType(stored.zero_points.scalar_type());
  if (whole && (zeros >= 0).logical_and(zeros <= 255).all().item<bool>()) {
    out.minimum_type = factor_type::zero_u8;
    factors.minima = zeros.to(at::kByte);
  } else {  // GPTQ version 1 can store a zero point beyond its codes; zeros of hqq are no integers
    out.minimum_type = factor_type::f32;
    factors.minima = -stored.zero_points.to(at::kFloat) * stored.scales.to(at::kFloat);
  }
  return factors;
}

// Codes as unsigned bytes [rows, columns]: indexes of a codebook for floats, else numbers from 0 on.
at::Tensor code_bytes(const stored_linear &stored, const packed_matrix &out) {
  const at::Tensor &codes = stored.codes;
  if (is_float8(codes))
    return out.bits == 4 ? e2m1_codes(codes) : codes.contiguous().view(at::kByte);
  if (!out.codebook.empty()) return codes.contiguous();
  return (codes.to(at::kShort) + (1 << (out.bits - 1))).to(at::kByte).contiguous();
}

void place_all(const kernel_factors &factors, packed_matrix &out) {
  place_factors(factors.scales, out.rows, out.scales);
  if (factors.minima.defined()) place_factors(factors.minima, out.rows, out.minima);
}

// Copies the words of a linear to their places: those of 16 rows lie side by side (packed_matrix.hpp).
void copy_words(const code_words &from, packed_matrix &out) {
  const int64_t words = out.units() * out.bits;
  auto *const codes = reinterpret_cast<uint32_t *>(out.codes.data());
  parallel_for(0, out.panels(), 1, [&](int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t rows = std::min(k_panel_rows, out.rows - panel * k_panel_rows);
      const uint8_t *in = from.first + panel * k_panel_rows * from.row_stride;
      uint32_t *to = codes + panel * words * k_panel_rows;
      for (int64_t word = 0; word < words; ++word)
        for (int64_t row = 0; row < rows; ++row) {
          uint32_t value;
          std::memcpy(&value, in + row * from.row_stride + word * from.word_stride, 4);
          to[word * k_panel_rows + row] = value ^ from.flip;
        }
    }
  });
}

}  // namespace

packed_matrix pack_codes(const stored_linear &stored, std::vector<float> codebook) {
  require_finite(stored);
  const int64_t rows = stored.codes.size(0), columns = stored.codes.size(1),
                groups = stored.scales.size(1);
  packed_matrix out;
  const kernel_factors factors = choose_factors(stored, std::move(codebook), out);
  if (stored.g_idx.defined()) out.order = order_of(stored, groups);
  shape_matrix(out, rows, columns, out.bits, columns / groups);
  const at::Tensor codes = code_bytes(stored, out);
  const uint8_t *all = codes.const_data_ptr<uint8_t>();
  parallel_for(0, out.panels(), 1, [&](int64_t first, int64_t last) {
    std::vector<uint8_t> sorted(out.order.size());
    for (int64_t row = first * k_panel_rows; row < std::min(rows, last * k_panel_rows); ++row) {
      const uint8_t *from = all + row * columns;
      for (size_t c = 0; c < sorted.size(); ++c) sorted[c] = from[out.order[c]];
      write_codes(out, row, sorted.empty() ? from : sorted.data());
    }
  });
  place_all(factors, out);
  return out;
}

packed_matrix pack_words(const stored_linear &outline, const code_words &words) {
  packed_matrix out;
  const kernel_factors factors = choose_factors(outline, {}, out);
  const int64_t columns = outline.codes.size(1);
  shape_matrix(out, outline.codes.size(0), columns, out.bits, columns / outline.scales.size(1));
  copy_words(words, out);
  place_all(factors, out);
  return out;
}

namespace {

constexpr int64_t k_copied_at_once = 16 << 20;  // bytes

// Returns a copy of rows of floats in pages of 2 MB, because decoding reads them twice as fast as the small pages of a mapped file.
// take() gives the rows; it is called again for each piece, and give_back() after it, so that the memory of the file does not
// stay beside the copy.
template <typename Take, typename GiveBack>
at::Tensor in_large_pages(Take take, GiveBack give_back) {
  at::Tensor from = take();
  const auto total = static_cast<int64_t>(from.nbytes());
  auto memory = std::make_shared<aligned_bytes>(total);
  const at::Tensor to = at::from_blob(
      memory->data(), from.sizes(), [memory](void *) {}, from.options());
  for (int64_t done = 0; done < total; done += k_copied_at_once) {
    if (!from.defined()) from = take();
    std::memcpy(memory->data() + done, static_cast<const uint8_t *>(from.const_data_ptr()) + done,
                static_cast<size_t>(std::min(k_copied_at_once, total - done)));
    from = at::Tensor();
    give_back();
  }
  return to;
}

at::Tensor kept_floats(const at::Tensor &weight) {
  const auto type = weight.scalar_type();
  const bool kept = type == at::kFloat || type == at::kBFloat16 || type == at::kHalf;
  return (kept ? weight : weight.to(at::kFloat)).contiguous();
}

// Keeps a weight that has no codes, or codes that no kernel can run: 16-bit floats as they are stored, other
// types in fp32.
std::shared_ptr<const packed_weight> dense(const checkpoint &source, const std::string &name) {
  const tensor_info *info = source.tensors().find(name), *raw = source.raw_tensors().find(name);
  const bool as_stored =
      raw != nullptr && raw->stored == info->stored && raw->dtype == info->dtype &&
      (raw->dtype == at::kFloat || raw->dtype == at::kBFloat16 || raw->dtype == at::kHalf);
  const at::Tensor made = as_stored ? at::Tensor() : kept_floats(source.tensors().tensor(name));
  const at::Tensor copy = in_large_pages(
      [&] { return as_stored ? source.raw_tensors().tensor(name).contiguous() : made; },
      [&] {
        if (raw != nullptr) source.raw_tensors().give_back(name);
      });
  return std::make_shared<packed_weight>(copy, info->stored);
}

std::shared_ptr<const packed_weight> from_quantized(const checkpoint &source,
                                                    const quantized_source &quantized,
                                                    const std::string &module, std::string &why) {
  const auto &names = quantized.quantized();
  if (std::find(names.begin(), names.end(), module) == names.end()) return nullptr;
  stored_linear stored = quantized.outline(module);
  why = lacks_kernel(stored);
  if (!why.empty()) return nullptr;
  code_words words;
  if (!stored.g_idx.defined()) words = quantized.words(module);
  std::shared_ptr<const packed_weight> packed;
  if (words.held.defined()) {
    stored.require_values(source.path());
    packed = std::make_shared<packed_weight>(pack_words(stored, words), stored.format);
  } else {
    stored = quantized.read(module);
    packed = std::make_shared<packed_weight>(pack_codes(stored), stored.format);
  }
  stored = {}, words = {};  // first, because their tensors borrow the pages that are now given back
  for (const tensor_info &part : source.raw_tensors().tensors())
    if (part.name.starts_with(module + ".")) source.raw_tensors().give_back(part.name);
  return packed;
}

std::shared_ptr<const packed_weight> packed_blocks(const stored_blocks &blocks,
                                                   const std::string &name) {
  try {
    return std::make_shared<packed_weight>(pack_blocks(blocks), blocks.format->name);
  } catch (error &problem) {
    throw std::move(problem).layer(name);
  }
}

std::shared_ptr<const packed_weight> from_blocks(const tensor_source &tensors,
                                                 const std::string &name, std::string &why) {
  const stored_blocks blocks = tensors.blocks(name);
  if (blocks.format == nullptr) return nullptr;
  std::shared_ptr<const packed_weight> packed;
  if (blocks.format->code_bits > 0) {
    why = lacks_kernel(blocks);
    if (why.empty()) packed = packed_blocks(blocks, name);
  } else if (blocks.heads == 0 && blocks.format->block_bytes == 2) {
    const at::ScalarType type =
        std::string(blocks.format->name) == "F16" ? at::kHalf : at::kBFloat16;
    const at::Tensor rows = in_large_pages(
        [&] {
          return at::from_blob(const_cast<uint8_t *>(blocks.bytes), {blocks.rows, blocks.columns},
                               type);
        },
        [&] { tensors.give_back(name); });
    packed = std::make_shared<packed_weight>(rows, blocks.format->name);
  }
  if (packed) tensors.give_back(name);
  return packed;
}

}  // namespace

stored_codes stored_codes_of(const checkpoint &source) {
  stored_codes out;
  const auto add = [&](const std::string &module, const std::string &why) {
    ++out.count;
    if (!why.empty()) out.without_kernel.push_back(module + ": " + why);
  };
  const tensor_source &tensors = source.tensors();
  if (const auto *quantized = dynamic_cast<const quantized_source *>(&tensors)) {
    for (const std::string &module : quantized->quantized()) {
      const stored_linear outline = quantized->outline(module);
      add(module, lacks_kernel(outline));
    }
    return out;
  }
  for (const tensor_info &info : tensors.tensors()) {
    if (info.shape.size() != 2 || !info.name.ends_with(".weight")) continue;
    const stored_blocks blocks = tensors.blocks(info.name);
    if (blocks.format != nullptr && blocks.format->code_bits > 0)
      add(info.name.substr(0, info.name.size() - 7), lacks_kernel(blocks));
  }
  return out;
}

std::shared_ptr<const packed_weight> pack_weight(const checkpoint &source,
                                                 const std::string &module, std::string *told) {
  const tensor_source &tensors = source.tensors();
  const std::string name = module + ".weight";
  if (!tensors.has(name))
    throw error(error_kind::failed, "the weights lack the tensor '" + name + "'").at(source.path());
  std::string why;
  const auto *quantized = dynamic_cast<const quantized_source *>(&tensors);
  auto packed = quantized != nullptr ? from_quantized(source, *quantized, module, why)
                                     : from_blocks(tensors, name, why);
  if (packed) return packed;
  if (told != nullptr && !why.empty()) *told = module + " runs dequantized, in float32: " + why;
  return dense(source, name);
}

}  // namespace assay::model
