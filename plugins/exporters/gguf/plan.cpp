// Reads the plan of an export (what will be stored) from JSON. checks.cpp refuses what cannot be exported.
#include "plan.hpp"

namespace gguf {
namespace {

const std::vector<assay_json::value> &list(const assay_json::value &from, std::string_view key) {
  static const std::vector<assay_json::value> k_none;
  const auto *found = from.find(key);
  return found != nullptr ? found->items : k_none;
}

void read_arch(const assay_json::value &arch, plan &out) {
  out.family = arch.string_or("family", "");
  out.heads = integer_or(arch, "heads", 0);
  out.kv_heads = integer_or(arch, "kv_heads", 0);
  out.head_dim = integer_or(arch, "head_dim", 0);
  out.hidden_size = integer_or(arch, "hidden_size", 0);
  out.intermediate_size = integer_or(arch, "intermediate_size", 0);
  out.layers = integer_or(arch, "layers", 0);
  out.vocab_size = integer_or(arch, "vocab_size", 0);
}

}  // namespace

grid grid_of(const assay_json::value &from, int64_t in) {
  grid out;
  out.format = from.string_or("format", "int/1");
  out.bits = integer_or(from, "bits", 0);
  out.group_size = integer_or(from, "group_size", 0);
  if (out.group_size < 0 || out.group_size >= in) out.group_size = 0;
  out.symmetric = from.bool_or("symmetric", true);
  out.block = from.string_or("block", "");
  out.asked = from.string_or("asked", "");
  return out;
}

plan read_plan(std::string_view plan_json) {
  const assay_json::value root = assay_json::parse(plan_json);
  plan out;
  if (const auto *arch = root.find("arch")) read_arch(*arch, out);
  if (const auto *scheme = root.find("scheme"))
    for (const auto &[key, value] : scheme->members)
      if (value.kind != assay_json::type::null) out.schemes.push_back(key);
  for (const auto &item : list(root, "items")) {
    planned_linear linear;
    linear.name = item.string_or("name", "");
    linear.scale_dtype = item.string_or("scale_dtype", "");
    linear.in = integer_or(item, "in", 0);
    linear.codes = grid_of(item, linear.in);
    out.linears.push_back(std::move(linear));
  }
  for (const auto &item : list(root, "untouched"))
    out.tensors.push_back(item.string_or("name", ""));
  for (const auto &item : list(root, "online"))
    out.online.push_back(item.string_or("layer", "") + ": " + item.string_or("op", "operation"));
  for (const auto &item : list(root, "biases")) out.biases.push_back(item.text);
  return out;
}

}  // namespace gguf
