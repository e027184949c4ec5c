// Finds the tensors of a quantized linear (its *form*) by their roles, checks them, and lists the entries that they become
// in the file (host/checkpoint/FORMATS.md, "compressed-tensors tensors").
#include "forms.hpp"

#include <cstring>

#include "packing.hpp"

namespace hf {
namespace {

bool is_byte(const assay_tensor *t, uint8_t code) {
  return t && t->dtype.code == code && t->dtype.bits == 8;
}

// Puts tensor i of the form into its member of v. Returns false for a role that the format cannot hold.
bool place(const assay_form &form, uint32_t i, form_parts &v) {
  const std::string_view role = form.roles[i];
  const assay_tensor *tensor = form.tensors[i];
  if (role == "codes") {
    v.codes = tensor;
    v.grid.bits = form.packed_bits[i] ? form.packed_bits[i] : tensor->dtype.bits;
  } else if (role == "scales" || role == "scales_e4m3" || role == "scale_exponents") {
    v.scales = tensor;
  } else if (role == "zeros") {
    v.zeros = tensor;
  } else if (role == "tensor_divisor") {
    v.divisor = tensor;
  } else if (role == "input_scale") {
    v.input_scale = tensor;
  } else if (role == "input_zero") {
    v.input_zero = tensor;
  } else {
    return role == "perm";  // for information only
  }
  return true;
}

// Whether the layout can hold the dtypes of the codes, of the zeros (integer grids) and of the scales (small floats).
// nvfp4 must have a divisor, mxfp4 must have none.
bool fits(const form_parts &v) {
  switch (v.grid.form) {
    case layout::packed_int:
    case layout::plain_int:
      return v.grid.symmetric ? is_byte(v.codes, ASSAY_INT)
                              : is_byte(v.codes, ASSAY_UINT) && is_byte(v.zeros, ASSAY_UINT);
    case layout::fp8:
      return is_byte(v.codes, ASSAY_UINT) && v.scales->dtype.bits >= 16;
    case layout::nvfp4:
      return is_byte(v.codes, ASSAY_UINT) && is_byte(v.scales, ASSAY_UINT) && v.divisor;
    case layout::mxfp4:
      return is_byte(v.codes, ASSAY_UINT) && is_byte(v.scales, ASSAY_UINT) && !v.divisor;
    case layout::none:
      break;
  }
  return false;
}

std::string bytes_of(const assay_tensor &tensor) {
  return {reinterpret_cast<const char *>(tensor_data(tensor)), tensor_bytes(tensor)};
}

std::string packed_zeros(const form_parts &v) {
  const int64_t words = packed_words(v.out, static_cast<int>(v.grid.bits)) * v.groups;
  std::string bytes(static_cast<size_t>(words) * 4, '\0');
  pack_columns(tensor_data(*v.zeros), v.out, v.groups, static_cast<int>(v.grid.bits), 0,
               reinterpret_cast<uint32_t *>(bytes.data()));
  return bytes;
}

entry codes_entry(const std::string &name, const form_parts &v) {
  entry e;
  e.item = name;
  switch (v.grid.form) {
    case layout::plain_int:
    case layout::fp8:
      e.name = name + ".weight";
      e.dtype = v.grid.form == layout::fp8 ? "F8_E4M3" : "I8";
      e.shape = {v.out, v.in};
      e.n_bytes = static_cast<uint64_t>(v.out * v.in);
      return e;
    case layout::nvfp4:
    case layout::mxfp4:
      e.name = name + ".weight_packed";
      e.dtype = "U8";
      e.shape = {v.out, v.in / 2};
      e.n_bytes = static_cast<uint64_t>(v.out * v.in / 2);
      return e;
    default:
      break;
  }
  const int64_t words = packed_words(v.in, static_cast<int>(v.grid.bits));
  e.name = name + ".weight_packed";
  e.dtype = "I32";
  e.shape = {v.out, words};
  e.n_bytes = static_cast<uint64_t>(v.out * words) * 4;
  return e;
}

void declare_inputs(const std::string &name, const form_parts &v, std::vector<entry> &entries) {
  if (v.input_scale)
    entries.push_back(small_entry(name + ".input_scale", "F32", {1}, bytes_of(*v.input_scale)));
  if (!v.input_zero) return;
  // The file has signed codes (unsigned code - 128), so the zero point is shifted in the same way.
  const auto zero = static_cast<char>(tensor_data(*v.input_zero)[0] - 128);
  entries.push_back(small_entry(name + ".input_zero_point", "I8", {1}, std::string(1, zero)));
}

}  // namespace

form_parts parts_of(const options &o, const assay_item &item, bool rounded_inputs) {
  const assay_form &form = *item.form;
  form_parts v;
  const auto refuse = [&](const std::string &why) {
    throw failure(ASSAY_UNSUPPORTED, std::string(item.name) + " " + why);
  };
  for (uint32_t i = 0; i < form.n_tensors; ++i)
    if (!place(form, i, v))
      refuse("has '" + std::string(form.roles[i]) + "', which the format cannot hold");
  if (!v.codes || !v.scales) refuse("has no codes or no scales");
  v.out = form.out_features;
  v.in = form.in_features;
  v.groups = v.scales->ndim == 2 ? v.scales->shape[1] : 1;
  v.grid.symmetric = !v.zeros;
  const assay_json::value note = assay_json::parse(form.note_json ? form.note_json : "{}");
  v.grid.group_size = integer_or(note, "group_size", 0);
  if (v.grid.group_size < 0 || v.grid.group_size == v.in) v.grid.group_size = 0;
  const int64_t size = v.grid.group_size ? v.grid.group_size : v.in;
  if (v.groups * size != v.in) refuse("has a ragged last group, which the format cannot hold");
  if (!holds_bits(o, v.grid.bits)) refuse("has a width that the format does not hold safely");
  v.grid.form =
      layout_of(note.string_or("format", "int/1"), v.grid.bits, v.grid.group_size, rounded_inputs);
  if (v.grid.form == layout::none || !fits(v))
    refuse("has codes, scales or zeros that are not those of the format");
  if (v.grid.form == layout::packed_int && v.grid.symmetric)
    v.offset = static_cast<uint8_t>(1u << (v.grid.bits - 1));
  return v;
}

void declare_form(const assay_item &item, const form_parts &v, std::vector<entry> &entries) {
  const std::string name = item.name;
  entries.push_back(codes_entry(name, v));
  const bool byte_scales = v.grid.form == layout::nvfp4 || v.grid.form == layout::mxfp4;
  const std::string scale_dtype = v.grid.form == layout::nvfp4 ? "F8_E4M3"
                                  : byte_scales                ? "U8"
                                                               : dtype_name(v.scales->dtype);
  entries.push_back(
      small_entry(name + ".weight_scale", scale_dtype, {v.out, v.groups}, bytes_of(*v.scales)));
  if (v.divisor)
    entries.push_back(small_entry(name + ".weight_global_scale", "F32", {1}, bytes_of(*v.divisor)));
  declare_inputs(name, v, entries);
  if (v.grid.form != layout::packed_int) return;
  const int64_t shape[2] = {v.out, v.in};
  entries.push_back(small_entry(name + ".weight_shape", "I64", {2},
                                {reinterpret_cast<const char *>(shape), sizeof shape}));
  if (v.zeros)
    entries.push_back(small_entry(name + ".weight_zero_point", "I32",
                                  {packed_words(v.out, static_cast<int>(v.grid.bits)), v.groups},
                                  packed_zeros(v)));
}

// The codes of int-quantized and float-quantized are returned as they are. Those of other formats are packed into the
// buffer, on the host's threads. Four-bit floats are packed like four-bit integers: the first of two codes is the low
// half of a byte.
byte_view code_bytes(const assay_host &host, const form_parts &v, std::vector<uint8_t> &buffer) {
  if (v.grid.form == layout::plain_int || v.grid.form == layout::fp8)
    return {tensor_data(*v.codes), static_cast<uint64_t>(v.out * v.in)};
  const int64_t row_bytes = packed_words(v.in, static_cast<int>(v.grid.bits)) * 4;
  buffer.resize(static_cast<size_t>(v.out * row_bytes));
  struct job_type {
    const form_parts *view;
    const uint8_t *codes;
    uint8_t *words;
    int64_t row_bytes;
  } job{&v, tensor_data(*v.codes), buffer.data(), row_bytes};
  const auto rows = [](void *arg, int64_t begin, int64_t end) -> int32_t {
    const auto &j = *static_cast<const job_type *>(arg);
    for (int64_t row = begin; row < end; ++row)
      pack_row(j.codes + row * j.view->in, j.view->in, static_cast<int>(j.view->grid.bits),
               j.view->offset, j.words + row * j.row_bytes);
    return ASSAY_OK;
  };
  const int32_t status = host.parallel_for(host.ctx, v.out, 256, rows, &job);
  if (status < 0) throw failure(status, "packing was stopped");
  return {buffer.data(), buffer.size()};
}

}  // namespace hf
