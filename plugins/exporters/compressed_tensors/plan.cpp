// Reads the plan and says which linears belong together.
// Judges nothing: refusals are in compressed_tensors.cpp.
#include "plan.hpp"

namespace hf {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

const std::vector<assay_json::value> &list(const assay_json::value &from, std::string_view key) {
  static const std::vector<assay_json::value> k_none;
  const auto *found = from.find(key);
  return found ? found->items : k_none;
}

// "X.weight" of a float linear, or "".
std::string float_linear(const assay_json::value &untouched) {
  const std::string name = untouched.string_or("name", "");
  if (list(untouched, "shape").size() != 2 || !ends_with(name, ".weight")) return "";
  const std::string module = name.substr(0, name.size() - 7);
  if (ends_with(module, "embed_tokens") || module == "lm_head") return "";
  return module;
}

}  // namespace

std::string scheme_text(const scheme &s) {
  return std::to_string(s.bits) + " bits, " +
         (s.group_size ? "groups of " + std::to_string(s.group_size) : "one group for each row") +
         (s.symmetric ? ", symmetric" : ", asymmetric");
}

plan read_plan(std::string_view plan_json) {
  const assay_json::value root = assay_json::parse(plan_json);
  plan out;
  for (const auto &item : list(root, "items")) {
    planned_linear linear;
    linear.name = item.string_or("name", "");
    linear.role = item.string_or("role", "");
    linear.format = item.string_or("format", "int/1");
    linear.in = integer_or(item, "in", 0);
    linear.out = integer_or(item, "out", 0);
    linear.grid.bits = integer_or(item, "bits", 0);
    linear.grid.group_size = integer_or(item, "group_size", 0);
    linear.grid.symmetric = item.bool_or("symmetric", true);
    if (linear.grid.group_size < 0 || linear.grid.group_size == linear.in)
      linear.grid.group_size = 0;
    out.linears.push_back(std::move(linear));
  }
  for (const auto &item : list(root, "untouched"))
    if (auto name = float_linear(item); !name.empty()) out.float_linears.push_back(std::move(name));
  for (const auto &item : list(root, "online"))
    out.online.push_back(item.string_or("layer", "") + ": " + item.string_or("op", "operation"));
  for (const auto &item : list(root, "biases")) out.biases.push_back(item.text);
  if (const auto *scheme = root.find("scheme"))
    for (const auto &[key, value] : scheme->members) {
      if (key == "activation")
        out.activation = value;
      else if (key == "kv")
        out.kv = value;
      else
        out.unknown_schemes.push_back(key);
    }
  out.tied = root.bool_or("tied", false);
  return out;
}

size_t fused_parts(std::string_view role) {
  if (role == "attn.q" || role == "attn.k" || role == "attn.v") return 3;
  if (role == "mlp.gate" || role == "mlp.up") return 2;
  return 1;
}

std::map<std::string, std::vector<const planned_linear *>> fused_blocks(const plan &p) {
  std::map<std::string, std::vector<const planned_linear *>> blocks;
  for (const auto &linear : p.linears) {
    const size_t parts = fused_parts(linear.role);
    if (parts == 1) continue;
    const std::string parent = linear.name.substr(0, linear.name.rfind('.'));
    blocks[parent + (parts == 3 ? " q,k,v" : " gate,up")].push_back(&linear);
  }
  return blocks;
}

}  // namespace hf
