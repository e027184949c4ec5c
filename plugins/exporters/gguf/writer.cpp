// Writes model.gguf: the header from sizes alone, then the bytes of one tensor after another, in
// the host's order. The host keeps the folder under another name until all is written.
#include <algorithm>
#include <map>

#include "container.hpp"
#include "exporters.hpp"
#include "metadata.hpp"
#include "names.hpp"
#include "plan.hpp"
#include "tensor_bytes.hpp"

namespace gguf {
namespace {

using assay_cpp::pass_on;

constexpr const char *k_file = "model.gguf";
constexpr const char *k_read[] = {"config.json", "generation_config.json", "tokenizer.json",
                                  "tokenizer_config.json", "chat_template.jinja"};

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

entry entry_of(const options &o, const plan &p, const assay_item &item) {
  entry e;
  e.item = item.name;
  e.name = gguf_name(item.form != nullptr ? e.item + ".weight" : e.item, p.family);
  if (e.name.empty()) refuse(item, "llama.cpp has no name for this tensor");
  if (item.form != nullptr) {
    std::string reason;
    e.type = block_for(grid_of_form(*item.form), o.how, reason);
    if (e.type == nullptr) refuse(item, reason);
    e.shape = {item.form->out_features, item.form->in_features};
    if (e.shape[1] % e.type->block_weights != 0)
      refuse(item, "the rows are no multiple of " + std::to_string(e.type->block_weights));
  } else {
    const assay_tensor &tensor = *item.tensor;
    e.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
    if (e.shape.empty() || e.shape.size() > 2) refuse(item, "it is neither a matrix nor a vector");
    if (e.shape.size() == 2) e.type = o.float_type != nullptr ? o.float_type : stored_type(item);
  }
  const std::string_view norm = "norm.weight";
  if (is_gemma(p.family) && e.name.size() > norm.size() &&
      e.name.compare(e.name.size() - norm.size(), norm.size(), norm) == 0)
    e.shift = 1;
  e.label = e.type;
  if (item.form != nullptr)
    if (const auto *asked = block_named(grid_of_form(*item.form).asked)) e.label = asked;
  e.heads = reordered_heads(p, e.name);
  if (e.heads != 0 && e.shape[0] % (2 * e.heads) != 0)
    refuse(item, "its rows are no pairs of RoPE");
  e.n_bytes = bytes_of(e);
  return e;
}

// Whether a row takes more bits in its blocks than its codes, scales and zeros have.
bool is_larger(const assay_form &form, const tensor_type &type) {
  const grid codes = grid_of_form(form);
  if (is_block_form(codes)) return false;
  const int64_t in = form.in_features, size = codes.group_size != 0 ? codes.group_size : in;
  const int64_t zero_bits = codes.format == "affine/1" ? 16 : codes.symmetric ? 0 : codes.bits;
  return in / k_block * type.block_bytes * 8 >
         in * codes.bits + (in + size - 1) / size * (16 + zero_bits);
}

// general.file_type: that of the type with most weights among the matrices; of the mixtures of a
// K-quant, that whose larger types the layers have. Narrow rows count as the type that was asked for.
// (ggml-org/llama.cpp, include/llama.h, enum llama_ftype, and src/llama-quant.cpp)
uint32_t file_type_of(const std::vector<entry> &entries) {
  std::map<uint32_t, int64_t> weights;
  const auto any = [&](const char *part, const char *type) {
    for (const entry &e : entries)
      if (e.name.find(part) != std::string::npos && std::string_view(e.label->name) == type)
        return true;
    return false;
  };
  for (const entry &e : entries)
    if (e.shape.size() == 2) weights[e.label->file_type] += e.shape[0] * e.shape[1];
  uint32_t most = k_f32.file_type;
  for (const auto &[file_type, n] : weights)
    if (n > weights[most]) most = file_type;
  constexpr uint32_t k_q3_k_s = 11, k_q3_k_m = 12, k_q3_k_l = 13, k_q4_k_s = 14, k_q4_k_m = 15,
                     k_q5_k_s = 16, k_q5_k_m = 17;
  if (most == k_q3_k_s && any("attn_output", "Q5_K")) return k_q3_k_l;
  if (most == k_q3_k_s && any("attn_output", "Q4_K")) return k_q3_k_m;
  if (most == k_q4_k_s && any("ffn_down", "Q6_K")) return k_q4_k_m;
  if (most == k_q5_k_s && any("ffn_down", "Q6_K")) return k_q5_k_m;
  return most;
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
    if (item.form == nullptr && e.heads == 0 && e.shift == 0 && e.type == stored_type(item)) {
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
