// The exporters "gptq" and "awq" write integer weights as AutoGPTQ and AutoAWQ pack them: as matrices
// [in, out], the transpose of the model's. They round nothing. All linears must have the same bits,
// group size and symmetry, because config.json has one set of these numbers.
#include <algorithm>
#include <cstring>

#include "config_text.hpp"
#include "forms.hpp"
#include "packing.hpp"

namespace hf {
namespace {

enum class kind { gptq, awq };

const char *name_of(kind k) {
  return k == kind::gptq ? "gptq" : "awq";
}

void check_linear(kind k, const planned_linear &linear, const scheme &first,
                  const refuse_fn &refuse) {
  const auto &grid = linear.grid;
  const int64_t per_word = grid.bits > 0 ? 32 / grid.bits : 0;
  const bool width =
      k == kind::awq ? grid.bits == 4 : grid.bits == 2 || grid.bits == 4 || grid.bits == 8;
  if (linear.role == "lm_head" || linear.role == "embed")
    refuse(linear.name, "consumers read the head and the embedding as floats: keep them in float");
  else if (linear.format != "int/1")
    refuse(linear.name,
           std::string(name_of(k)) + " holds integer grids only, not " + linear.format);
  else if (!width)
    refuse(linear.name, k == kind::awq
                            ? "awq holds 4 bits, not " + std::to_string(grid.bits)
                            : "gptq holds 2, 4 and 8 bits, not " + std::to_string(grid.bits));
  else if (grid != first)
    refuse(linear.name, "all linears share one grid in this format: " + scheme_text(first) +
                            " and " + scheme_text(grid));
  else if (grid.group_size && linear.in % grid.group_size)
    refuse(linear.name, std::to_string(linear.in) + " columns do not divide into groups of " +
                            std::to_string(grid.group_size));
  else if (linear.in % per_word || linear.out % per_word)
    refuse(linear.name,
           "rows and columns must fill words of " + std::to_string(per_word) + " codes");
  else if (linear.scale_dtype != "float16" && linear.scale_dtype != "f16")
    refuse(linear.name, "scales are float16 in this format: set scale_dtype");
}

void check(kind k, std::string_view plan_json, const refuse_fn &refuse) {
  const plan p = read_plan(plan_json);
  if (p.linears.empty()) {
    refuse("items", "nothing is quantized: use safetensors");
    return;
  }
  if (p.activation.present) refuse("activation", "the format leaves inputs in float");
  if (p.kv.kind != assay_json::type::null) refuse("kv", "the format has no key-value scheme");
  for (const auto &operation : p.online)
    refuse(operation, "no consumer of the format runs this operation");
  refuse_strange(p, refuse);
  for (const auto &name : p.float_linears)
    refuse(name, "linears of blocks that stay in float are not written in this format");
  for (const auto &linear : p.linears) check_linear(k, linear, p.linears.front().grid, refuse);
}

std::string words_of(int64_t n) {
  return std::string(static_cast<size_t>(n) * 4, '\0');
}

// stored() returns the code of row o and column i, stored_zero() the zero point of row o and group g. Both are
// unsigned, as the file holds them.
unsigned stored(const form_parts &v, int64_t o, int64_t i) {
  const unsigned offset = v.grid.symmetric ? 1u << (v.grid.bits - 1) : 0u;
  return (tensor_data(*v.codes)[o * v.in + i] + offset) & ((1u << v.grid.bits) - 1);
}
unsigned stored_zero(const form_parts &v, int64_t o, int64_t g) {
  return v.grid.symmetric ? 1u << (v.grid.bits - 1) : tensor_data(*v.zeros)[o * v.groups + g];
}

// Writes `value` into word `index`, shifted `shift` bits to the left.
void put(std::string &words, int64_t index, unsigned value, unsigned shift) {
  uint32_t word;
  std::memcpy(&word, words.data() + index * 4, 4);
  word |= value << shift;
  std::memcpy(words.data() + index * 4, &word, 4);
}

// gptq: returns the codes, packed along `in`, [in * bits / 32, out].
std::string gptq_codes(const form_parts &v) {
  const int64_t per_word = 32 / v.grid.bits;
  std::string words = words_of(v.in / per_word * v.out);
  for (int64_t o = 0; o < v.out; ++o)
    for (int64_t i = 0; i < v.in; ++i)
      put(words, i / per_word * v.out + o, stored(v, o, i),
          static_cast<unsigned>(i % per_word * v.grid.bits));
  return words;
}

// gptq: returns the zero points, packed along `out`, [groups, out * bits / 32]. `less` is subtracted from each: 1
// for version 1 of the format, 0 for version 2.
std::string gptq_zeros(const form_parts &v, unsigned less) {
  const int64_t per_word = 32 / v.grid.bits, row = v.out / per_word;
  const unsigned mask = (1u << v.grid.bits) - 1;
  std::string words = words_of(v.groups * row);
  for (int64_t g = 0; g < v.groups; ++g)
    for (int64_t o = 0; o < v.out; ++o)
      put(words, g * row + o / per_word, (stored_zero(v, o, g) - less) & mask,
          static_cast<unsigned>(o % per_word * v.grid.bits));
  return words;
}

// awq: a word holds the codes of 8 outputs. Output 8 c + j is in 4-bit part k_place[j] of word c.
constexpr unsigned k_place[] = {0, 4, 1, 5, 2, 6, 3, 7};

// awq: returns codes or zero points, packed along `out`, [rows, out / 8]. There is a row for each
// input (codes) or group (zero points). value(v, o, r) gives what row r holds for output o.
std::string awq_words(const form_parts &v, int64_t rows,
                      unsigned (*value)(const form_parts &, int64_t, int64_t)) {
  std::string words = words_of(rows * v.out / 8);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < v.out; ++o)
      put(words, r * (v.out / 8) + o / 8, value(v, o, r), 4 * k_place[o % 8]);
  return words;
}

std::string scales_of(const form_parts &v) {  // [groups, out]
  const auto *from = reinterpret_cast<const uint16_t *>(tensor_data(*v.scales));
  std::string bytes(static_cast<size_t>(v.groups * v.out) * 2, '\0');
  for (int64_t o = 0; o < v.out; ++o)
    for (int64_t g = 0; g < v.groups; ++g)
      std::memcpy(bytes.data() + (g * v.out + o) * 2, from + o * v.groups + g, 2);
  return bytes;
}

// gptq: returns the number of each column's group, [in].
std::string group_index(const form_parts &v) {
  std::string bytes = words_of(v.in);
  const int64_t size = v.in / v.groups;
  for (int64_t i = 0; i < v.in; ++i) put(bytes, i, static_cast<unsigned>(i / size), 0);
  return bytes;
}

void declare(kind k, const std::string &name, const form_parts &v, std::vector<entry> &entries) {
  const int64_t per_word = 32 / v.grid.bits;
  entry codes;
  codes.name = name + ".qweight";
  codes.item = name;
  codes.dtype = "I32";
  codes.shape = k == kind::gptq ? std::vector<int64_t>{v.in / per_word, v.out}
                                : std::vector<int64_t>{v.in, v.out / 8};
  codes.n_bytes = static_cast<uint64_t>(codes.shape[0] * codes.shape[1]) * 4;
  entries.push_back(std::move(codes));
  const unsigned less = v.grid.symmetric ? 1 : 0;
  entries.push_back(
      small_entry(name + ".qzeros", "I32", {v.groups, v.out / per_word},
                  k == kind::gptq ? gptq_zeros(v, less) : awq_words(v, v.groups, stored_zero)));
  entries.push_back(small_entry(name + ".scales", "F16", {v.groups, v.out}, scales_of(v)));
  if (k == kind::gptq)
    entries.push_back(small_entry(name + ".g_idx", "I32", {v.in}, group_index(v)));
}

std::string config_of(kind k, const scheme &grid) {
  const std::string size = std::to_string(grid.group_size ? grid.group_size : -1);
  if (k == kind::awq)
    return "{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": " + size +
           ", \"zero_point\": true, \"version\": \"gemm\", \"modules_to_not_convert\": null}";
  return "{\"quant_method\": \"gptq\", \"bits\": " + std::to_string(grid.bits) +
         ", \"group_size\": " + size +
         ", \"desc_act\": false, \"sym\": " + (grid.symmetric ? "true" : "false") +
         ", \"lm_head\": false, \"checkpoint_format\": \"" + (grid.symmetric ? "gptq" : "gptq_v2") +
         "\", \"damp_percent\": 0.05, \"static_groups\": false, \"true_sequential\": true}";
}

void write(kind k, const options &o, const assay_export &job) {
  std::vector<entry> entries;
  scheme grid;
  const auto view = [&](const assay_item &item) {
    auto v = parts_of(o, item, false);
    if (v.scales->dtype.bits != 16 || v.scales->dtype.code != ASSAY_FLOAT)
      throw failure(ASSAY_UNSUPPORTED, std::string(item.name) + " has scales that are not float16");
    return v;
  };
  for_each_item(job, [&](const assay_item &item) {
    if (item.form) {
      const form_parts v = view(item);
      grid = v.grid;
      declare(k, item.name, v, entries);
      return;
    }
    entries.push_back(float_entry(item));
  });
  std::string words;
  write_tensors(job, entries, o.shard_bytes,
                [&](const entry &e, const assay_item &item, std::vector<uint8_t> &) {
                  if (!item.form) return byte_view{tensor_data(*item.tensor), e.n_bytes};
                  const form_parts v = view(item);
                  words = k == kind::gptq ? gptq_codes(v) : awq_words(v, v.in, stored);
                  return byte_view{words.data(), words.size()};
                });
  const auto config = config_of(k, grid);
  write_file(job, "config.json", with_quantization_config(file_text(job, "config.json"), config));
  if (k == kind::gptq) write_file(job, "quantize_config.json", config + "\n");  // for old loaders
  copy_files(job, "config.json");
}

}  // namespace

void check_gptq(const options &, std::string_view plan_json, const refuse_fn &refuse) {
  check(kind::gptq, plan_json, refuse);
}
void write_gptq(const options &o, const assay_export &job, const assay_host &) {
  write(kind::gptq, o, job);
}
void check_awq(const options &, std::string_view plan_json, const refuse_fn &refuse) {
  check(kind::awq, plan_json, refuse);
}
void write_awq(const options &o, const assay_export &job, const assay_host &) {
  write(kind::awq, o, job);
}

}  // namespace hf
