// Converts float tensors and packs forms, row by row, on the host's threads.
#include "tensor_bytes.hpp"

#include <atomic>
#include <cmath>
#include <cstring>

#include "assay_grid.hpp"
#include "names.hpp"
#include "super_blocks.hpp"

namespace gguf {
namespace {

float float_at(const tensor_type &type, const uint8_t *from) {
  uint32_t wide = 0;
  std::memcpy(&wide, from, static_cast<size_t>(type.block_bytes));
  if (type.id == k_f32.id) return assay_grid::float_of(wide);
  const auto half = static_cast<uint16_t>(wide);
  return type.id == k_f16.id ? assay_grid::from_float16(half) : assay_grid::from_bfloat16(half);
}

void put_float(const tensor_type &type, float x, uint8_t *to) {
  const uint32_t bits = type.id == k_f32.id   ? assay_grid::bits_of(x)
                        : type.id == k_f16.id ? assay_grid::to_float16(x)
                                              : assay_grid::to_bfloat16(x);
  std::memcpy(to, &bits, static_cast<size_t>(type.block_bytes));
}

// Converts a row of n numbers to the type of `e`; returns how many were rounded.
int64_t convert_row(const assay_item &item, const tensor_type &from, const entry &e,
                    const uint8_t *in, int64_t n, uint8_t *out) {
  const tensor_type &to = *e.type;
  int64_t n_rounded = 0;
  for (int64_t i = 0; i < n; ++i, in += from.block_bytes, out += to.block_bytes) {
    const float x = e.shift + float_at(from, in);
    put_float(to, x, out);
    const float stored = float_at(to, out);
    if (std::isinf(stored) && !std::isinf(x))
      refuse(item, "a weight is beyond float16: choose another float_type");
    n_rounded += static_cast<int64_t>(stored != x && !std::isnan(x));
  }
  return n_rounded;
}

struct form_parts {
  const assay_tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  bool float_zeros = false;
  int64_t groups = 0, group_size = 0;
};

// The row of the form, with the codes, scales and zeros that blocks are made of.
row_view row_of(const form_parts &v, int64_t row, int64_t in) {
  const int64_t group = row * v.groups;
  const auto halves = [&](const assay_tensor &t) {
    return reinterpret_cast<const uint16_t *>(data_of(t)) + group;
  };
  row_view out{data_of(*v.codes) + row * in, halves(*v.scales), nullptr, nullptr, in, v.group_size};
  if (v.zeros != nullptr && v.float_zeros) out.float_zeros = halves(*v.zeros);
  if (v.zeros != nullptr && !v.float_zeros) out.zeros = data_of(*v.zeros) + group;
  return out;
}

form_parts parts_of(const assay_item &item) {
  const assay_form &form = *item.form;
  form_parts v;
  for (uint32_t i = 0; i < form.n_tensors; ++i) {
    const std::string_view role = form.roles[i];
    if (role == "codes")
      v.codes = form.tensors[i];
    else if (role == "scales")
      v.scales = form.tensors[i];
    else if (role == "zeros")
      v.zeros = form.tensors[i];
    else if (role != "perm")  // for information only
      refuse(item, "the form has '" + std::string(role) + "', which a GGUF file cannot hold");
  }
  const grid codes = grid_of_form(form);
  v.group_size = codes.group_size != 0 ? codes.group_size : form.in_features;
  v.groups = (form.in_features + v.group_size - 1) / v.group_size;
  const auto is = [](const assay_tensor *t, assay_dtype dtype, int64_t n) {
    if (t == nullptr || !assay_cpp::is_dtype(*t, dtype)) return false;
    for (int32_t i = 0; i < t->ndim; ++i)
      n = t->shape[i] != 0 && n % t->shape[i] == 0 ? n / t->shape[i] : 0;
    return n == 1;
  };
  const int64_t n_codes = form.out_features * form.in_features, n = form.out_features * v.groups;
  const assay_dtype i8{ASSAY_INT, 8, 1}, u8{ASSAY_UINT, 8, 1};
  v.float_zeros = codes.format == "affine/1";
  if (!is(v.codes, codes.symmetric ? i8 : u8, n_codes) || !is(v.scales, assay_cpp::k_f16, n) ||
      (codes.symmetric ? v.zeros != nullptr
                       : !is(v.zeros, v.float_zeros ? assay_cpp::k_f16 : u8, n)))
    refuse(item, "codes, scales or zeros are not those of a grid with float16 scales");
  return v;
}

// Packs the rows [begin, end). `to` is the start of the packed matrix. Returns how many minima were rounded.
int64_t pack_rows(const form_parts &v, const entry &e, int64_t begin, int64_t end,
                  uint8_t *to) try {
  const int64_t in = e.shape[1], row_bytes = in / e.type->block_weights * e.type->block_bytes;
  int64_t n_rounded = 0;
  for (int64_t row = begin; row < end; ++row)
    n_rounded += pack_row(*e.type, row_of(v, row, in),
                          to + row_in_file(row, e.shape[0], e.heads) * row_bytes);
  return n_rounded;
} catch (const failure &what) {
  throw failure(what.status(), e.item + ": " + what.what());
}

}  // namespace

void refuse(const assay_item &item, const std::string &why) {
  throw failure(ASSAY_UNSUPPORTED, std::string(item.name) + ": " + why);
}

grid grid_of_form(const assay_form &form) {
  return grid_of(assay_json::parse(form.note_json != nullptr ? form.note_json : "{}"),
                 form.in_features);
}

const tensor_type *stored_type(const assay_item &item) {
  const assay_dtype &dtype = item.tensor->dtype;
  if (dtype.code == ASSAY_FLOAT && dtype.bits == 32) return &k_f32;
  if (dtype.code == ASSAY_FLOAT && dtype.bits == 16) return &k_f16;
  if (dtype.code == ASSAY_BFLOAT && dtype.bits == 16) return &k_bf16;
  refuse(item, "a GGUF file holds float32, float16 and bfloat16 tensors here, no other dtype");
}

const uint8_t *data_of(const assay_tensor &tensor) {
  return static_cast<const uint8_t *>(tensor.data) + tensor.byte_offset;
}

// Converts the rows of a tensor. Each number of a vector counts as a row, because biases are reordered like rows.
std::string float_bytes(const assay_item &item, const entry &e, const assay_cpp::host &host,
                        differences &done) {
  const tensor_type &from = *stored_type(item);
  const int64_t rows = e.shape[0], n = e.shape.size() == 2 ? e.shape[1] : 1;
  const uint8_t *in = data_of(*item.tensor);
  std::string out(e.n_bytes, '\0');
  auto *to = reinterpret_cast<uint8_t *>(out.data());
  std::atomic<int64_t> n_rounded{0};
  host.parallel_for(rows, 256, [&](int64_t begin, int64_t end) {
    int64_t here = 0;
    for (int64_t row = begin; row < end; ++row)
      here += convert_row(item, from, e, in + row * n * from.block_bytes, n,
                          to + row_in_file(row, rows, e.heads) * n * e.type->block_bytes);
    n_rounded += here;
  });
  done.floats += n_rounded;
  return out;
}

std::string block_bytes(const assay_item &item, const entry &e, const assay_cpp::host &host,
                        differences &done) {
  std::string out(e.n_bytes, '\0');
  if (is_block_form(grid_of_form(*item.form))) {
    const super_parts parts = super_parts_of(item, *e.type);
    const int64_t row_bytes = e.shape[1] / e.type->block_weights * e.type->block_bytes;
    host.parallel_for(e.shape[0], 64, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        pack_super_row(*e.type, parts, row,
                       reinterpret_cast<uint8_t *>(out.data()) +
                           row_in_file(row, e.shape[0], e.heads) * row_bytes);
    });
    return out;
  }
  const form_parts v = parts_of(item);
  std::atomic<int64_t> n_rounded{0};
  host.parallel_for(e.shape[0], 64, [&](int64_t begin, int64_t end) {
    n_rounded += pack_rows(v, e, begin, end, reinterpret_cast<uint8_t *>(out.data()));
  });
  done.minima += n_rounded;
  return out;
}

}  // namespace gguf
