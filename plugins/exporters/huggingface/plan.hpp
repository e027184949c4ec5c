// The parsed plan of an export: which linears there are and how each is quantized. The exporter's
// function `check` gets the plan before anything is quantized, and again before `write`. Only `write`
// gets the codes and scales.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "assay_json.hpp"

namespace hf {

// The layout of a linear in the file (LAYOUTS.md has the tensors).
enum class layout {
  packed_int,  // pack-quantized: codes in 32-bit words
  plain_int,   // int-quantized: one byte for each code; used if inputs are rounded
  fp8,         // float-quantized
  nvfp4,       // nvfp4-pack-quantized
  mxfp4,       // mxfp4-pack-quantized
  none         // compressed-tensors has no layout for it
};
const char *format_name(layout form);  // the name in config.json

// Layout and grid of a linear. Linears that consumers (the programs that load the folder) join into one
// matrix must have the same scheme. Each scheme has one entry in config.json.
struct scheme {
  layout form = layout::packed_int;
  int64_t bits = 0;
  int64_t group_size = 0;  // columns; 0 = one scale for the whole row ("channel")
  bool symmetric = true;
  auto operator<=>(const scheme &) const = default;  // NOLINT(modernize-use-nullptr): no pointer
};
std::string scheme_text(const scheme &s);  // "4 bits, groups of 64, symmetric"

struct planned_linear {
  std::string name, role, format, scale_dtype;
  int64_t in = 0, out = 0;
  scheme grid;
};

// How the plan rounds the inputs of linears.
struct input_scheme {
  bool present = false, is_float = false, dynamic = true, symmetric = true;
  int64_t bits = 8;
  double clip = 1;  // share of an input's range that the grid covers
};

struct plan {
  std::vector<planned_linear> linears;
  std::vector<std::string> float_linears;  // linears of blocks that stay float
  std::vector<std::string> online;         // "LAYER: OP": operations that the forward pass must run
  std::vector<std::string> biases;         // linears whose bias has no key in config.json
  std::vector<std::string> unknown_schemes;  // keys of "scheme" that read_plan does not know
  input_scheme activation;
  assay_json::value kv;  // scheme of the key-value cache; null if none
  bool tied = false;     // the head is the embedding
};

inline int64_t integer_or(const assay_json::value &from, std::string_view key, int64_t otherwise) {
  return static_cast<int64_t>(from.number_or(key, static_cast<double>(otherwise)));
}

// Returns the layout of a linear. format: "int/1", "float/1" or another one, from the plan or from the
// note that the quantizer gave with the linear.
layout layout_of(std::string_view format, int64_t bits, int64_t group_size, bool rounded_inputs);
plan read_plan(std::string_view plan_json);  // throws std::runtime_error

// Returns the quantized linears that vLLM and SGLang join, with one entry for each joined matrix. A key is
// for example "model.layers.0.self_attn q,k,v". Linears that are never joined (o, down) are left out.
std::map<std::string, std::vector<const planned_linear *>> fused_blocks(const plan &p);
// Returns how many linears are joined with one of this role, itself included: 3 for q, k and v, 2 for gate
// and up, else 1.
size_t fused_parts(std::string_view role);

}  // namespace hf
