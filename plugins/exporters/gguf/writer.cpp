// Writes model.gguf: the header from sizes alone, then the bytes of one tensor after another, in
// the host's order. The host keeps the folder under another name until all is written.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <map>

#include "assay_grid.hpp"
#include "container.hpp"
#include "exporters.hpp"
#include "metadata.hpp"
#include "names.hpp"
#include "plan.hpp"

namespace gguf {
namespace {

using assay_cpp::pass_on;

constexpr const char *k_file = "model.gguf";
constexpr const char *k_read[] = {"config.json", "generation_config.json", "tokenizer.json",
                                  "tokenizer_config.json", "chat_template.jinja"};

[[noreturn]] void refuse(const assay_item &item, const std::string &why) {
  throw failure(ASSAY_UNSUPPORTED, std::string(item.name) + ": " + why);
}

template <class F>
void for_each_item(const assay_export &job, const F &see) {
  pass_on(job.restart(job.ctx));
  const assay_item *item = nullptr;
  for (;;) {
    const int32_t status = job.next(job.ctx, &item);
    pass_on(status);
    if (status == ASSAY_END) return;
    see(*item);
  }
}

model_files read_files(const assay_export &job) {
  model_files out;
  for (uint32_t i = 0; i < job.n_files; ++i) {
    const std::string name = job.file_names[i];
    if (std::find(std::begin(k_read), std::end(k_read), name) == std::end(k_read)) continue;
    const void *bytes = nullptr;
    uint64_t n_bytes = 0;
    pass_on(job.read_file(job.ctx, name.c_str(), &bytes, &n_bytes));
    out[name].assign(static_cast<const char *>(bytes), n_bytes);
  }
  return out;
}

grid grid_of_form(const assay_form &form) {
  return grid_of(assay_json::parse(form.note_json != nullptr ? form.note_json : "{}"),
                 form.in_features);
}

// ---- floats ----

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

// What the file holds in another way than the model: numbers that were rounded, and linears that
// take more bits than the host counts.
struct differences {
  int64_t minima = 0, floats = 0, larger = 0;
};

// Converts a row of n numbers; returns how many were rounded.
int64_t convert_row(const assay_item &item, const tensor_type &from, const tensor_type &to,
                    const uint8_t *in, int64_t n, uint8_t *out) {
  int64_t n_rounded = 0;
  for (int64_t i = 0; i < n; ++i, in += from.block_bytes, out += to.block_bytes) {
    const float x = float_at(from, in);
    put_float(to, x, out);
    const float stored = float_at(to, out);
    if (std::isinf(stored) && !std::isinf(x))
      refuse(item, "a weight is beyond float16: choose another float_type");
    n_rounded += static_cast<int64_t>(stored != x && !std::isnan(x));
  }
  return n_rounded;
}

// Rows of a tensor; each number of a vector is a row, since reordered biases have rows
// of one number.
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
      here += convert_row(item, from, *e.type, in + row * n * from.block_bytes, n,
                          to + row_in_file(row, rows, e.heads) * n * e.type->block_bytes);
    n_rounded += here;
  });
  done.floats += n_rounded;
  return out;
}

// ---- quantized linears ----

struct form_parts {
  const assay_tensor *codes = nullptr, *scales = nullptr, *zeros = nullptr;
  bool float_zeros = false;
  int64_t groups = 0, group_size = 0;
};

// The row of the form, with the codes and factors that blocks are made of.
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

// Packs some rows into `to`, where the matrix begins; returns how many minima were rounded.
int64_t pack_rows(const form_parts &v, const entry &e, int64_t begin, int64_t end,
                  uint8_t *to) try {
  const int64_t in = e.shape[1], row_bytes = in / k_block * e.type->block_bytes;
  int64_t n_rounded = 0;
  for (int64_t row = begin; row < end; ++row)
    n_rounded += pack_row(*e.type, row_of(v, row, in),
                          to + row_in_file(row, e.shape[0], e.heads) * row_bytes);
  return n_rounded;
} catch (const failure &what) {
  throw failure(what.status(), e.item + ": " + what.what());
}

std::string block_bytes(const assay_item &item, const entry &e, const assay_cpp::host &host,
                        differences &done) {
  const form_parts v = parts_of(item);
  std::string out(e.n_bytes, '\0');
  std::atomic<int64_t> n_rounded{0};
  host.parallel_for(e.shape[0], 64, [&](int64_t begin, int64_t end) {
    n_rounded += pack_rows(v, e, begin, end, reinterpret_cast<uint8_t *>(out.data()));
  });
  done.minima += n_rounded;
  return out;
}

// ---- the file ----

entry entry_of(const options &o, const plan &p, const assay_item &item) {
  entry e;
  e.item = item.name;
  e.name = gguf_name(item.form != nullptr ? e.item + ".weight" : e.item);
  if (e.name.empty()) refuse(item, "llama.cpp has no name for this tensor");
  if (item.form != nullptr) {
    std::string reason;
    e.type = block_for(grid_of_form(*item.form), o.how, reason);
    if (e.type == nullptr) refuse(item, reason);
    e.shape = {item.form->out_features, item.form->in_features};
    if (e.shape[1] % k_block != 0) refuse(item, "the rows are no multiple of 32");
  } else {
    const assay_tensor &tensor = *item.tensor;
    e.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
    if (e.shape.empty() || e.shape.size() > 2) refuse(item, "it is neither a matrix nor a vector");
    if (e.shape.size() == 2) e.type = o.float_type != nullptr ? o.float_type : stored_type(item);
  }
  e.heads = reordered_heads(p, e.name);
  if (e.heads != 0 && e.shape[0] % (2 * e.heads) != 0)
    refuse(item, "its rows are no pairs of RoPE");
  e.n_bytes = bytes_of(e);
  return e;
}

// Whether a row takes more bits in its blocks than its codes, scales and zeros have.
bool is_larger(const assay_form &form, const tensor_type &type) {
  const grid codes = grid_of_form(form);
  const int64_t in = form.in_features, size = codes.group_size != 0 ? codes.group_size : in;
  const int64_t group_bits = 16 + (codes.symmetric ? 0 : codes.bits);
  return in / k_block * type.block_bytes * 8 >
         in * codes.bits + (in + size - 1) / size * group_bits;
}

// general.file_type: that of the type with most bytes among the matrices.
uint32_t file_type_of(const std::vector<entry> &entries) {
  std::map<uint32_t, uint64_t> bytes;
  for (const entry &e : entries)
    if (e.shape.size() == 2) bytes[e.type->file_type] += e.n_bytes;
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto &a, const auto &b) { return a.second < b.second; });
  return most == bytes.end() ? k_f32.file_type : most->first;
}

void append(const assay_export &job, const void *bytes, uint64_t n_bytes) {
  constexpr char k_zeros[k_alignment] = {};
  pass_on(job.append(job.ctx, bytes, n_bytes));
  if (const uint64_t n = padding_after(n_bytes); n > 0) pass_on(job.append(job.ctx, k_zeros, n));
}

void report(const differences &done, const assay_cpp::host &host) {
  const auto tell = [&](const char *event, int64_t n, const std::string &what) {
    if (n == 0) return;
    host.ledger(event, static_cast<uint64_t>(n), what);
    host.log(ASSAY_LOG_WARNING, std::to_string(n) + " " + what);
  };
  tell("rounded_minima", done.minima,
       "minima of groups were rounded to float16: the file's weights differ from those evaluated");
  tell("rounded_floats", done.floats,
       "weights of float matrices were rounded to the type that float_type names");
  if (done.larger > 0)
    host.ledger("larger_in_file", static_cast<uint64_t>(done.larger),
                std::to_string(done.larger) +
                    " linears take more bits in blocks of the file than their codes and scales, "
                    "which the summary counts");
}

}  // namespace

void write_file(const options &o, const assay_export &job, const assay_cpp::host &host) {
  const plan p = read_plan(job.plan_json);
  const model_files files = read_files(job);
  metadata keys;
  std::vector<entry> entries;
  put_architecture(p, files, host, keys, entries);
  put_tokenizer(p, files, keys);
  differences done;
  for_each_item(job, [&](const assay_item &item) {
    entries.push_back(entry_of(o, p, item));
    if (item.form != nullptr)
      done.larger += static_cast<int64_t>(is_larger(*item.form, *entries.back().type));
  });
  keys.put_u32("general.file_type", file_type_of(entries));
  keys.put_u32("general.quantization_version", 2);
  pass_on(job.begin_file(job.ctx, k_file));
  const std::string head = header(keys, entries);
  append(job, head.data(), head.size());
  auto next = entries.begin();
  for (; next != entries.end() && next->item.empty(); ++next)
    append(job, next->own_bytes.data(), next->n_bytes);
  for_each_item(job, [&](const assay_item &item) {
    if (next == entries.end() || next->item != item.name)
      throw failure(ASSAY_INVALID_ARGUMENT,
                    std::string(item.name) + " came in another order before");
    const entry &e = *next++;
    if (item.form == nullptr && e.heads == 0 && e.type == stored_type(item)) {
      append(job, data_of(*item.tensor), e.n_bytes);
      return;
    }
    const std::string bytes =
        item.form != nullptr ? block_bytes(item, e, host, done) : float_bytes(item, e, host, done);
    append(job, bytes.data(), bytes.size());
  });
  if (next != entries.end())
    throw failure(ASSAY_INVALID_ARGUMENT,
                  "the item " + next->item + " has gone since the first pass");
  pass_on(job.end_file(job.ctx));
  report(done, host);
}

}  // namespace gguf
