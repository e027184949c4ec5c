// The emitted form of blocks, and back. Q4_0, Q5_0 and Q8_0 are symmetric integer grids (int/1),
// IQ4_NL is a codebook (codebook/1); the others need kquant/1 (plugin_api/ABI.md, "Formats").
#include <algorithm>

#include "assay_json.hpp"
#include "kquant.hpp"

namespace hessian {
namespace {

const char *format_of(const block_type &type) {
  if (type.step_bits > 0 || type.minimum) return "kquant/1";
  return type.fixed ? "codebook/1" : "int/1";
}

// Emits one number of each group or block. get(block, g) gives it as the element type T.
template <class T, class Get>
void emit_numbers(assay_cpp::host host, assay_cpp::sink sink, const char *role, assay_dtype dtype,
                  uint32_t bits, int64_t out, const std::vector<block> &blocks, int per_block,
                  const Get &get) {
  const auto per_row = static_cast<int64_t>(blocks.size()) / out * per_block;
  auto tensor = host.alloc(dtype, {out, per_row});
  T *to = tensor.template data<T>();
  for (size_t b = 0; b < blocks.size(); ++b)
    for (int g = 0; g < per_block; ++g)
      to[static_cast<int64_t>(b) * per_block + g] = get(blocks[b], g);
  sink.emit(role, std::move(tensor), bits);
}

assay_dtype byte_type(int lowest) {
  return lowest < 0 ? assay_cpp::dtype_of<int8_t>() : assay_cpp::dtype_of<uint8_t>();
}

}  // namespace

void emit_blocks(assay_cpp::host host, assay_cpp::sink sink, const block_type &type, int64_t out,
                 int64_t in, const std::vector<block> &blocks, const std::string &claims) {
  auto codes = host.alloc(byte_type(type.lowest), {out, in});
  auto *to = codes.data<uint8_t>();
  host.parallel_for(out, 64, [&](int64_t begin, int64_t end) {
    const int64_t per_row = in / type.columns;
    for (int64_t b = begin * per_row; b < end * per_row; ++b)
      for (int i = 0; i < type.columns; ++i)
        to[b * type.columns + i] = static_cast<uint8_t>(blocks[static_cast<size_t>(b)].codes[i]);
  });
  sink.emit("codes", std::move(codes), static_cast<uint32_t>(type.bits));
  emit_numbers<uint16_t>(host, sink, "scales", assay_cpp::k_f16, 0, out, blocks, 1,
                         [](const block &b, int) { return b.scale; });
  const auto step_bits = static_cast<uint32_t>(type.step_bits);
  if (type.step_bits > 0)
    emit_numbers<uint8_t>(host, sink, "steps", byte_type(type.lowest_step), step_bits, out, blocks,
                          type.groups(),
                          [](const block &b, int g) { return static_cast<uint8_t>(b.steps[g]); });
  if (type.minimum)
    emit_numbers<uint16_t>(host, sink, "minima", assay_cpp::k_f16, 0, out, blocks, 1,
                           [](const block &b, int) { return b.minimum; });
  if (type.minimum && type.step_bits > 0)
    emit_numbers<uint8_t>(
        host, sink, "minimum_steps", byte_type(0), step_bits, out, blocks, type.groups(),
        [](const block &b, int g) { return static_cast<uint8_t>(b.minimum_steps[g]); });
  if (type.fixed) {
    auto book = host.alloc(assay_cpp::dtype_of<float>(), {16});
    std::copy(std::begin(k_fixed_values), std::end(k_fixed_values), book.data<float>());
    sink.emit("codebook", std::move(book));
  }
  uint64_t clamped = 0;
  for (const block &b : blocks) clamped += b.clamped;
  assay_grid::tell_clamped(host, clamped);
  sink.note(std::string("{\"format\": \"") + format_of(type) + "\", \"block\": \"" + type.name +
            "\", \"bits\": " + std::to_string(type.bits) +
            ", \"group_size\": " + std::to_string(assay_grid::group_cut(type.group, in).noted()) +
            ", \"symmetric\": " + (type.minimum ? "false" : "true") +
            (claims.empty() ? "" : ", " + claims) + "}");
}

void dequantize_blocks(assay_cpp::host host, const assay_form *form, const assay_tensor *out) {
  const auto *codes = assay_cpp::find(*form, "codes"), *scales = assay_cpp::find(*form, "scales"),
             *steps = assay_cpp::find(*form, "steps"), *minima = assay_cpp::find(*form, "minima"),
             *minimum_steps = assay_cpp::find(*form, "minimum_steps"),
             *codebook = assay_cpp::find(*form, "codebook");
  if (!codes || !scales)
    throw failure(ASSAY_INVALID_ARGUMENT, "the form has no codes or no scales");
  const int64_t in = form->in_features, columns = in / std::max<int64_t>(1, scales->shape[1]),
                group = steps ? in / std::max<int64_t>(1, steps->shape[1]) : columns;
  if (columns * scales->shape[1] != in || (steps && group * steps->shape[1] != in) ||
      (minima && minima->shape[1] != scales->shape[1]) ||
      (minimum_steps && (!steps || minimum_steps->shape[1] != steps->shape[1])))
    throw failure(ASSAY_INVALID_ARGUMENT, "scales or steps of the form do not divide its rows");
  const auto at = [](const assay_tensor *t, int64_t i) {
    const auto *bytes = static_cast<const uint8_t *>(t->data) + t->byte_offset;
    return t->dtype.code == ASSAY_INT ? static_cast<float>(static_cast<int8_t>(bytes[i]))
                                      : static_cast<float>(bytes[i]);
  };
  const float *values = codebook ? cpu_floats(codebook, "the codebook") : nullptr;
  float *to = cpu_floats(out, "the output");
  host.parallel_for(form->out_features, 16, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin * in; j < end * in; j += group) {
      float scale = assay_grid::read_scale(*scales, j / columns);
      float minimum = minima ? assay_grid::read_scale(*minima, j / columns) : 0.0f;
      if (steps) scale *= at(steps, j / group);
      if (minimum_steps) minimum *= at(minimum_steps, j / group);
      for (int64_t i = j; i < j + group; ++i) {
        const float code = at(codes, i);
        const float product = scale * (values ? values[static_cast<int>(code) & 15] : code);
        to[i] = minima ? product - minimum : product;
      }
    }
  });
}

}  // namespace hessian
