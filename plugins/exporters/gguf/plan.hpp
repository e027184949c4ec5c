// The parsed plan of an export: the family, which linears there are and how each is quantized, and
// which tensors stay float.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay_json.hpp"

namespace gguf {

// How the weights of a linear become codes.
struct grid {
  std::string format;      // "int/1", ...
  int64_t bits = 0;        // of a code
  int64_t group_size = 0;  // columns that share a scale; 0 = the whole row
  bool symmetric = true;
  std::string block;  // the type of block that the form holds exactly: "Q4_K"; "" if it names none
  std::string
      asked;  // the type in whose place `block` stands, since the rows are too narrow; or ""
};

struct planned_linear {
  std::string name, scale_dtype;
  int64_t in = 0;
  grid codes;
};

struct plan {
  std::string family;
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t hidden_size = 0, intermediate_size = 0, layers = 0, vocab_size = 0;
  std::vector<planned_linear> linears;
  std::vector<std::string> tensors;  // that stay float
  std::vector<std::string> online;   // "LAYER: OP": operations that the forward pass must run
  std::vector<std::string> biases;   // linears with a bias that the family does not have
  std::vector<std::string> schemes;  // keys of "scheme" that are not null
};

inline int64_t integer_or(const assay_json::value &from, std::string_view key, int64_t otherwise) {
  return static_cast<int64_t>(from.number_or(key, static_cast<double>(otherwise)));
}

// Reads format, bits, group size and symmetry of a linear, from the plan or from the note
// of its form.
grid grid_of(const assay_json::value &from, int64_t in);
plan read_plan(std::string_view plan_json);  // throws std::runtime_error

}  // namespace gguf
