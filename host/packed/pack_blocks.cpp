// Packs GGUF blocks (checkpoint/FORMATS.md, "GGUF blocks"): codes and factors are moved, none is rounded.
#include <algorithm>
#include <cstring>
#include <vector>

#include "checkpoint/gguf/gguf_codes.hpp"
#include "core/error.hpp"
#include "kernels/threads.hpp"
#include "packed/pack_weight.hpp"

namespace assay::model {
namespace {

factor_type type_of(block_factor factor) {
  switch (factor) {
    case block_factor::half:
      return factor_type::f16;
    case block_factor::unsigned_step:
      return factor_type::step_u8;
    case block_factor::signed_step:
      return factor_type::step_i8;
    case block_factor::none:
      break;
  }
  return factor_type::none;
}

// One row while it is packed: codes [columns], and the bytes of its factors, one group after another.
struct row_parts {
  row_parts(const block_codes &codes, const stored_blocks &blocks) {
    const int64_t columns = blocks.columns, groups = columns / codes.group,
                  supers = codes.has_steps() ? columns / blocks.format->block_elements : 0;
    const auto size = [](int64_t n) { return static_cast<size_t>(n); };
    this->codes.resize(size(columns));
    scales.resize(size(groups * factor_bytes(codes.scale)));
    minima.resize(size(groups * factor_bytes(codes.minimum)));
    super_scales.resize(size(2 * supers));
    super_minima.resize(codes.minimum == block_factor::unsigned_step ? size(2 * supers) : 0);
  }

  // Takes the blocks of a row apart.
  void read(const block_codes &from, const ggml_format &format, const uint8_t *in) {
    const int64_t n_blocks = static_cast<int64_t>(codes.size()) / format.block_elements,
                  groups = format.block_elements / from.group;
    block_parts to = {codes.data(), scales.data(), minima.data(), super_scales.data(),
                      super_minima.data()};
    for (int64_t block = 0; block < n_blocks; ++block, in += format.block_bytes) {
      from.read(in, to);
      to.codes += format.block_elements;
      to.scales += groups * factor_bytes(from.scale);
      to.minima += groups * factor_bytes(from.minimum);
      to.super_scales += super_scales.empty() ? 0 : 2;
      to.super_minima += super_minima.empty() ? 0 : 2;
    }
  }

  std::vector<uint8_t> codes, scales, minima, super_scales, super_minima;
};

// Copies the factors of one row, [groups] elements of `size` bytes, to their places among the factors
// of the row's panel.
void place_factors(const std::vector<uint8_t> &from, int64_t size, int64_t row, aligned_bytes &to) {
  if (from.empty()) return;
  const int64_t groups = static_cast<int64_t>(from.size()) / size;
  for (int64_t group = 0; group < groups; ++group)
    std::memcpy(
        to.data() +
            ((row / k_panel_rows * groups + group) * k_panel_rows + row % k_panel_rows) * size,
        from.data() + group * size, static_cast<size_t>(size));
}

bool all_finite(factor_type type, const aligned_bytes &factors) {
  if (type != factor_type::f16) return true;
  for (int64_t i = 1; i < factors.size(); i += 2)
    if ((factors.data()[i] & 0x7c) == 0x7c) return false;  // the exponent of infinity and NaN
  return true;
}

}  // namespace

std::string lacks_kernel(const stored_blocks &blocks) {
  if (find_block_codes(*blocks.format) != nullptr) return "";
  return "blocks of " + std::string(blocks.format->name) + " have no kernel";
}

packed_matrix pack_blocks(const stored_blocks &blocks) {
  const ggml_format &format = *blocks.format;
  const block_codes *kind = find_block_codes(format);
  if (kind == nullptr) throw error(error_kind::failed, lacks_kernel(blocks));
  packed_matrix out;
  out.shift = static_cast<float>(kind->lowest);
  out.scale_type = type_of(kind->scale);
  out.minimum_type = type_of(kind->minimum);
  out.super = kind->has_steps() ? format.block_elements / kind->group : 0;
  if (kind->codebook != nullptr)
    out.codebook.assign(kind->codebook, kind->codebook + (1 << kind->bits));
  shape_matrix(out, blocks.rows, blocks.columns, kind->bits, kind->group);
  const int64_t row_bytes = blocks.columns / format.block_elements * format.block_bytes;
  parallel_for(0, out.panels(), 1, [&](int64_t first, int64_t last) {
    row_parts parts(*kind, blocks);
    for (int64_t row = first * k_panel_rows; row < std::min(out.rows, last * k_panel_rows); ++row) {
      parts.read(*kind, format, blocks.bytes + blocks.row_in_file(row) * row_bytes);
      write_codes(out, row, parts.codes.data());
      place_factors(parts.scales, bytes_of(out.scale_type), row, out.scales);
      place_factors(parts.minima, bytes_of(out.minimum_type), row, out.minima);
      place_factors(parts.super_scales, 2, row, out.super_scales);
      place_factors(parts.super_minima, 2, row, out.super_minima);
    }
  });
  if (!all_finite(out.scale_type, out.scales) || !all_finite(out.minimum_type, out.minima) ||
      !all_finite(factor_type::f16, out.super_scales) ||
      !all_finite(factor_type::f16, out.super_minima))
    throw error(error_kind::failed, "a scale is infinite or not a number")
        .hint("The file is damaged or was quantized from broken weights; quantize it again");
  return out;
}

}  // namespace assay::model
