// Reads the plan, chooses the layout of each linear in the file, and finds the linears that vLLM and
// SGLang join into one matrix. checks.cpp refuses plans that cannot be exported.
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

// Returns the name X of a linear whose weight "X.weight" stays float. Returns "" for other tensors,
// for the embedding and for the head.
std::string float_linear(const assay_json::value &untouched) {
  const std::string name = untouched.string_or("name", "");
  if (list(untouched, "shape").size() != 2 || !ends_with(name, ".weight")) return "";
  std::string module = name.substr(0, name.size() - 7);
  if (ends_with(module, "embed_tokens") || module == "lm_head") return "";
  return module;
}

input_scheme input_of(const assay_json::value &given) {
  input_scheme out;
  if (given.kind == assay_json::type::null) return out;
  out.present = true;
  out.is_float = given.string_or("type", "int") == "fp8";
  out.bits = integer_or(given, "bits", 8);
  out.dynamic = given.bool_or("dynamic", true);
  out.symmetric = given.bool_or("symmetric", true);
  out.clip = given.number_or("clip", 1);
  return out;
}

void read_schemes(const assay_json::value &root, plan &out) {
  const auto *scheme = root.find("scheme");
  if (!scheme) return;
  for (const auto &[key, value] : scheme->members) {
    if (key == "activation")
      out.activation = input_of(value);
    else if (key == "kv")
      out.kv = value;
    else
      out.unknown_schemes.push_back(key);
  }
}

}  // namespace

layout layout_of(std::string_view format, int64_t bits, int64_t group_size, bool rounded_inputs) {
  if (format == "int/1") return rounded_inputs ? layout::plain_int : layout::packed_int;
  if (format != "float/1") return layout::none;
  if (bits == 8 && group_size == 0) return layout::fp8;
  if (bits == 4 && group_size == 16) return layout::nvfp4;
  return bits == 4 && group_size == 32 ? layout::mxfp4 : layout::none;
}

const char *format_name(layout form) {
  switch (form) {
    case layout::packed_int:
      return "pack-quantized";
    case layout::plain_int:
      return "int-quantized";
    case layout::fp8:
      return "float-quantized";
    case layout::nvfp4:
      return "nvfp4-pack-quantized";
    case layout::mxfp4:
      return "mxfp4-pack-quantized";
    case layout::none:
      break;
  }
  return "none";
}

std::string scheme_text(const scheme &s) {
  return std::to_string(s.bits) + " bits, " +
         (s.group_size ? "groups of " + std::to_string(s.group_size) : "one group for each row") +
         (s.symmetric ? ", symmetric" : ", asymmetric");
}

plan read_plan(std::string_view plan_json) {
  const assay_json::value root = assay_json::parse(plan_json);
  plan out;
  read_schemes(root, out);
  for (const auto &item : list(root, "items")) {
    planned_linear linear;
    linear.name = item.string_or("name", "");
    linear.role = item.string_or("role", "");
    linear.format = item.string_or("format", "int/1");
    linear.scale_dtype = item.string_or("scale_dtype", "");
    linear.in = integer_or(item, "in", 0);
    linear.out = integer_or(item, "out", 0);
    linear.grid.bits = integer_or(item, "bits", 0);
    linear.grid.group_size = integer_or(item, "group_size", 0);
    linear.grid.symmetric = item.bool_or("symmetric", true);
    if (linear.grid.group_size < 0 || linear.grid.group_size >= linear.in)
      linear.grid.group_size = 0;
    linear.grid.form =
        layout_of(linear.format, linear.grid.bits, linear.grid.group_size, out.activation.present);
    out.linears.push_back(std::move(linear));
  }
  for (const auto &item : list(root, "untouched"))
    if (auto name = float_linear(item); !name.empty()) out.float_linears.push_back(std::move(name));
  for (const auto &item : list(root, "online"))
    out.online.push_back(item.string_or("layer", "") + ": " + item.string_or("op", "operation"));
  for (const auto &item : list(root, "biases")) out.biases.push_back(item.text);
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
