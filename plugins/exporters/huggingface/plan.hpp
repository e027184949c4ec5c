// The plan that the host hands to check, parsed: what would be stored, before anything is
// quantized. The forms themselves come with write.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assay_json.hpp"

namespace hf {

// How a linear is laid out in the file (README.md).
enum class layout {
  packed_int,  // pack-quantized: codes in 32-bit words
  plain_int,   // int-quantized: a byte for each code; what goes with rounded inputs
  fp8,         // float-quantized
  nvfp4,       // nvfp4-pack-quantized
  mxfp4,       // mxfp4-pack-quantized
  none         // the format has no place for it
};
const char *format_name(layout form);  // static

// What fused parts must have in common, and what one config group describes.
struct scheme {
  layout form = layout::packed_int;
  int64_t bits = 0;
  int64_t group_size = 0;  // columns; 0 = one scale for the whole row ("channel")
  bool symmetric = true;
  auto operator<=>(const scheme &) const = default;  // NOLINT(modernize-use-nullptr): none here
};
std::string scheme_text(const scheme &s);  // "4 bits, groups of 64, symmetric"

struct planned_linear {
  std::string name, role, format, scale_dtype;
  int64_t in = 0, out = 0;
  scheme grid;
};

// Rounding of inputs as the plan has it.
struct input_scheme {
  bool present = false, is_float = false, dynamic = true, symmetric = true;
  int64_t bits = 8;
  double clip = 1;
};

struct plan {
  std::vector<planned_linear> linears;
  std::vector<std::string> float_linears;  // 2-D weights that stay float, embeddings and head apart
  std::vector<std::string> online;  // "LAYER: OP" for every operation left in the forward pass
  std::vector<std::string> biases;  // linears with a bias for which the config has no key
  std::vector<std::string> unknown_schemes;
  input_scheme activation;
  assay_json::value kv;  // null if none
  bool tied = false;
};

inline int64_t integer_or(const assay_json::value &from, std::string_view key, int64_t otherwise) {
  return static_cast<int64_t>(from.number_or(key, static_cast<double>(otherwise)));
}

// From a form's note or an item of the plan.
layout layout_of(std::string_view format, int64_t bits, int64_t group_size, bool rounded_inputs);
plan read_plan(std::string_view plan_json);  // throws std::runtime_error

// Linears that vLLM and SGLang concatenate: key "model.layers.0.self_attn q,k,v", values the parts
// by role. Roles without partners are not listed.
std::map<std::string, std::vector<const planned_linear *>> fused_blocks(const plan &p);
size_t fused_parts(std::string_view role);  // 3 for attn.q, 2 for mlp.up, 1 otherwise

}  // namespace hf
