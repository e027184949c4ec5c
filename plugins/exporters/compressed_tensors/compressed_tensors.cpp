// Exporter "compressed_tensors": pack-quantized W2/W4/W8 A16 and int-quantized W8A8 (formats.md
// 4.3, 4.4, 4.8).
// A pure function of the forms: chooses no scale and rounds nothing.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "config_text.hpp"
#include "exporters.hpp"
#include "folder_writer.hpp"
#include "packing.hpp"
#include "plan.hpp"

namespace hf {
namespace {

bool safe_bits(int64_t bits) {
  return bits == 2 || bits == 4 || bits == 8;
}

bool holds_bits(const options &o, int64_t bits) {
  return safe_bits(bits) || (o.dense_packing && bits > 2 && bits < 8);
}

bool is_int8_per_token(const assay_json::value &activation) {
  return integer_or(activation, "bits", 0) == 8 && activation.string_or("type", "int") == "int" &&
         activation.string_or("strategy", "token") == "token" &&
         activation.bool_or("dynamic", true);
}

void check_linear(const options &o, const planned_linear &linear, bool activation,
                  const refuse_fn &refuse) {
  const auto &grid = linear.grid;
  if (linear.role == "lm_head" || linear.role == "embed") {
    refuse(linear.name, "consumers read the head and the embedding as floats: keep it");
    return;
  }
  if (linear.format != "int/1") {
    refuse(linear.name, "pack-quantized holds integer grids only, not " + linear.format);
    return;
  }
  if (grid.bits < 2 || grid.bits > 8)
    refuse(linear.name, "the format holds 2 to 8 bits, not " + std::to_string(grid.bits));
  else if (!holds_bits(o, grid.bits))
    refuse(linear.name,
           std::to_string(grid.bits) +
               "-bit codes are packed in two ways (the format changed in compressed-tensors "
               "0.17): only 2, 4 and 8 bits are read alike by every version (or set "
               "dense_packing)");
  if (grid.group_size && linear.in % grid.group_size)
    refuse(linear.name, std::to_string(linear.in) + " columns do not divide into groups of " +
                            std::to_string(grid.group_size) +
                            ", and the format has no ragged group");
  if (activation && (grid.bits != 8 || !grid.symmetric || grid.group_size))
    refuse(linear.name,
           "8-bit activations need symmetric 8-bit weights with one scale for each row, not " +
               scheme_text(grid));
}

void check_fused(const plan &p, const refuse_fn &refuse) {
  for (const auto &[block, parts] : fused_blocks(p)) {
    if (parts.size() != fused_parts(parts.front()->role)) {
      refuse(block,
             "these are one matrix for vLLM and SGLang: quantize all of them or none (or set "
             "allow_unfused)");
      continue;
    }
    for (const auto *part : parts)
      if (part->grid != parts.front()->grid) {
        refuse(block, "these are one matrix for vLLM and SGLang but have two grids: " +
                          scheme_text(parts.front()->grid) + " and " + scheme_text(part->grid) +
                          " (or set allow_unfused)");
        break;
      }
  }
}

// The tensors of one form, checked.
struct form_view {
  const assay_tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  int64_t out = 0, in = 0, groups = 0;
  scheme grid;
  uint8_t offset = 0;  // added to a code to store it
};

form_view view_of(const options &o, const assay_item &item) {
  const assay_form &form = *item.form;
  form_view v;
  const auto refuse = [&](const std::string &why) {
    throw failure(ASSAY_UNSUPPORTED, std::string(item.name) + " " + why);
  };
  for (uint32_t i = 0; i < form.n_tensors; ++i) {
    const std::string_view role = form.roles[i];
    if (role == "codes") {
      v.codes = form.tensors[i];
      v.grid.bits = form.packed_bits[i] ? form.packed_bits[i] : v.codes->dtype.bits;
    } else if (role == "scales") {
      v.scales = form.tensors[i];
    } else if (role == "zeros") {
      v.zeros = form.tensors[i];
    } else if (role != "perm") {  // for information only
      refuse("has '" + std::string(role) + "', which the format cannot hold");
    }
  }
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
  const auto byte_of = [](const assay_tensor &t, uint8_t code) {
    return t.dtype.code == code && t.dtype.bits == 8;
  };
  if (v.grid.symmetric ? !byte_of(*v.codes, ASSAY_INT)
                       : !(byte_of(*v.codes, ASSAY_UINT) && byte_of(*v.zeros, ASSAY_UINT)))
    refuse("has codes or zeros that are no integers of the grid");
  v.offset = v.grid.symmetric ? static_cast<uint8_t>(1u << (v.grid.bits - 1)) : uint8_t{0};
  return v;
}

std::string bytes_of(const assay_tensor &tensor) {
  return {reinterpret_cast<const char *>(tensor_data(tensor)), tensor_bytes(tensor)};
}

entry small_entry(std::string name, std::string dtype, std::vector<int64_t> shape,
                  std::string bytes) {
  entry e;
  e.name = std::move(name);
  e.dtype = std::move(dtype);
  e.shape = std::move(shape);
  e.n_bytes = bytes.size();
  e.own_bytes = std::move(bytes);
  e.has_own_bytes = true;
  return e;
}

std::string packed_zeros(const form_view &v) {
  const int64_t words = packed_words(v.out, static_cast<int>(v.grid.bits)) * v.groups;
  std::string bytes(static_cast<size_t>(words) * 4, '\0');
  pack_columns(tensor_data(*v.zeros), v.out, v.groups, static_cast<int>(v.grid.bits), 0,
               reinterpret_cast<uint32_t *>(bytes.data()));
  return bytes;
}

void declare_form(const assay_item &item, const form_view &v, bool activation,
                  std::vector<entry> &entries) {
  const std::string name = item.name;
  entry weight;
  weight.item = name;
  if (activation) {
    weight.name = name + ".weight";
    weight.dtype = "I8";
    weight.shape = {v.out, v.in};
    weight.n_bytes = static_cast<uint64_t>(v.out * v.in);
  } else {
    const int64_t words = packed_words(v.in, static_cast<int>(v.grid.bits));
    weight.name = name + ".weight_packed";
    weight.dtype = "I32";
    weight.shape = {v.out, words};
    weight.n_bytes = static_cast<uint64_t>(v.out * words) * 4;
  }
  entries.push_back(std::move(weight));
  entries.push_back(small_entry(name + ".weight_scale", dtype_name(v.scales->dtype),
                                {v.out, v.groups}, bytes_of(*v.scales)));
  if (activation) return;
  const int64_t shape[2] = {v.out, v.in};
  entries.push_back(small_entry(name + ".weight_shape", "I64", {2},
                                {reinterpret_cast<const char *>(shape), sizeof shape}));
  if (v.zeros)
    entries.push_back(small_entry(name + ".weight_zero_point", "I32",
                                  {packed_words(v.out, static_cast<int>(v.grid.bits)), v.groups},
                                  packed_zeros(v)));
}

// Packs all rows of a form into the buffer, on the host's threads.
byte_view pack_form(const assay_host &host, const form_view &v, std::vector<uint8_t> &buffer) {
  const int64_t row_bytes = packed_words(v.in, static_cast<int>(v.grid.bits)) * 4;
  buffer.resize(static_cast<size_t>(v.out * row_bytes));
  struct job_type {
    const form_view *view;
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

}  // namespace

void check_compressed(const options &o, std::string_view plan_json, const refuse_fn &refuse) {
  const plan p = read_plan(plan_json);
  if (p.linears.empty()) refuse("items", "nothing is quantized: use safetensors");
  const bool activation = p.activation.kind != assay_json::type::null;
  if (activation && !is_int8_per_token(p.activation))
    refuse("activation",
           "only 8-bit integers, dynamic for each token, can be said in this format here");
  if (p.kv.kind != assay_json::type::null)
    refuse("kv", "key-value schemes are not written: consumers choose them at run time");
  for (const auto &operation : p.online)
    refuse(operation, "no consumer of the format runs this operation");
  for (const auto &linear : p.linears) check_linear(o, linear, activation, refuse);
  if (!o.allow_unfused) check_fused(p, refuse);
}

void write_compressed(const options &o, const assay_export &job, const assay_host &host) {
  const plan p = read_plan(job.plan_json);
  const bool activation = p.activation.kind != assay_json::type::null;
  std::vector<entry> entries;
  scheme_groups groups;
  for_each_item(job, [&](const assay_item &item) {
    if (item.form) {
      const form_view v = view_of(o, item);
      groups[v.grid].emplace_back(item.name);
      declare_form(item, v, activation, entries);
      return;
    }
    entry e;
    e.name = e.item = item.name;
    e.dtype = dtype_name(item.tensor->dtype);
    e.shape.assign(item.tensor->shape, item.tensor->shape + item.tensor->ndim);
    e.n_bytes = tensor_bytes(*item.tensor);
    entries.push_back(std::move(e));
  });
  write_tensors(job, std::move(entries), o.shard_bytes,
                [&](const entry &e, const assay_item &item, std::vector<uint8_t> &buffer) {
                  if (!item.form) return byte_view{tensor_data(*item.tensor), e.n_bytes};
                  const form_view v = view_of(o, item);
                  if (activation) return byte_view{tensor_data(*v.codes), e.n_bytes};
                  return pack_form(host, v, buffer);
                });
  std::vector<std::string> ignore = p.float_linears;
  ignore.emplace_back("lm_head");  // "Linear" matches it in transformers (formats.md 4.4)
  write_file(job, "config.json",
             with_quantization_config(file_text(job, "config.json"),
                                      quantization_config(groups, ignore, activation)));
  copy_files(job, "config.json");
}

}  // namespace hf
