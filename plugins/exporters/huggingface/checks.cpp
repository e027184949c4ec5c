// Refuses what compressed-tensors, or the programs that load it (its *consumers*), cannot hold. Each
// refusal names the linear or setting. LAYOUTS.md has the sources.
#include "checks.hpp"

#include <map>
#include <set>

namespace hf {
namespace {

void check_width(const options &o, const planned_linear &linear, const refuse_fn &refuse) {
  const int64_t bits = linear.grid.bits;
  if (bits < 2 || bits > 8)
    refuse(linear.name, "the format holds 2 to 8 bits, not " + std::to_string(bits));
  else if (!holds_bits(o, bits))
    refuse(linear.name,
           std::to_string(bits) +
               "-bit codes are packed in two ways (the format changed in compressed-tensors "
               "0.17): only 2, 4 and 8 bits are read alike by every version (or set "
               "dense_packing)");
}

// Refuses weights that no consumer can multiply with rounded inputs. int8 inputs need symmetric 8-bit
// weights with one scale for each row, or symmetric 4-bit weights (vLLM runs these on Arm processors
// only; the inputs must then be symmetric and dynamic, which means that their scale is computed while
// the model runs). fp8 inputs need fp8 weights with one scale for each row.
void check_with_inputs(const planned_linear &linear, const input_scheme &input,
                       const refuse_fn &refuse) {
  const auto &grid = linear.grid;
  if (input.is_float) {
    if (grid.form != layout::fp8)
      refuse(linear.name, "fp8 inputs need fp8 weights with one scale for each row, not " +
                              (linear.format == "int/1" ? scheme_text(grid) : linear.format));
    return;
  }
  if (grid.form != layout::plain_int) {
    refuse(linear.name, "8-bit integer inputs need integer weights, not " + linear.format);
    return;
  }
  const bool rows = grid.bits == 8 && grid.symmetric && !grid.group_size;
  const bool four = grid.bits == 4 && grid.symmetric && input.dynamic && input.symmetric;
  if (!rows && !four)
    refuse(linear.name,
           "8-bit activations need symmetric 8-bit weights with one scale for each row, not " +
               scheme_text(grid));
}

void check_linear(const options &o, const planned_linear &linear, const input_scheme &input,
                  const refuse_fn &refuse) {
  const auto &grid = linear.grid;
  if (linear.role == "lm_head" || linear.role == "embed") {
    refuse(linear.name, "consumers read the head and the embedding as floats: keep them in float");
    return;
  }
  if (grid.form == layout::none) {
    refuse(linear.name, "the format holds integer grids, fp8 rows, nvfp4 and mxfp4, not " +
                            (linear.format == "float/1" ? scheme_text(grid) : linear.format));
    return;
  }
  if (linear.format == "int/1") check_width(o, linear, refuse);
  if (grid.group_size && linear.in % grid.group_size)
    refuse(linear.name, std::to_string(linear.in) + " columns do not divide into groups of " +
                            std::to_string(grid.group_size) +
                            ", and the format has no ragged group");
  if (input.present) check_with_inputs(linear, input, refuse);
}

// Refuses linears that consumers join into one matrix (q, k, v; gate, up) if their grids differ.
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

// Refuses a layer whose experts do not have one grid, because vLLM runs all experts of a layer with the scheme of the first
// (vllm-project/vllm, compressed_tensors_moe.py, get_moe_method).
void check_experts(const plan &p, const refuse_fn &refuse) {
  std::map<std::string, const planned_linear *> first;  // by layer
  std::set<std::string> told;
  for (const auto &linear : p.linears) {
    const size_t end = linear.name.find(".experts.");
    if (end == std::string::npos) continue;
    const std::string layer = linear.name.substr(0, end) + ".experts";
    const auto [found, fresh] = first.emplace(layer, &linear);
    if (!fresh && found->second->grid != linear.grid && told.insert(layer).second)
      refuse(layer, "vLLM runs the experts of a layer with one grid, but they have two: " +
                        scheme_text(found->second->grid) + " and " + scheme_text(linear.grid) +
                        " (or set allow_unfused)");
  }
  for (const auto &name : p.float_linears) {
    const size_t end = name.find(".experts.");
    if (end == std::string::npos) continue;
    const std::string layer = name.substr(0, end) + ".experts";
    if (first.contains(layer) && told.insert(layer).second)
      refuse(layer,
             "vLLM runs the experts of a layer with one grid: quantize all linears of all "
             "experts or none (or set allow_unfused)");
  }
}

void check_inputs(const input_scheme &input, const refuse_fn &refuse) {
  if (!input.present) return;
  if (input.bits != 8)
    refuse("activation", "consumers round inputs to 8 bits, not to " + std::to_string(input.bits));
  if (input.clip < 1)
    refuse("activation", "consumers cover an input's whole range: clip must be 1");
}

// kv: the scheme of the key-value cache.
void check_kv(const assay_json::value &kv, const refuse_fn &refuse) {
  if (kv.kind == assay_json::type::null) return;
  if (kv.bool_or("rotate", false)) {
    refuse("kv", "no consumer of the format turns keys before it stores them");
    return;
  }
  if (kv.string_or("type", "int") == "fp8" && !kv.bool_or("dynamic", true)) return;
  refuse("kv",
         "a checkpoint holds static fp8 scales only; other caches are chosen at run time (vLLM: "
         "--kv-cache-dtype int8_per_token_head, int4_per_token_head, fp8_per_token_head)");
}

}  // namespace

bool holds_bits(const options &o, int64_t bits) {
  return bits == 2 || bits == 4 || bits == 8 || (o.dense_packing && bits > 2 && bits < 8);
}

void refuse_strange(const plan &p, const refuse_fn &refuse) {
  for (const auto &key : p.unknown_schemes)
    refuse("scheme", "the scheme '" + key + "' is not known here");
  for (const auto &linear : p.biases)
    refuse(linear, "this family's config.json has no key for a bias here");
}

void check_compressed(const options &o, std::string_view plan_json, const refuse_fn &refuse) {
  const plan p = read_plan(plan_json);
  if (p.linears.empty()) refuse("items", "nothing is quantized: use safetensors");
  check_inputs(p.activation, refuse);
  check_kv(p.kv, refuse);
  for (const auto &operation : p.online)
    refuse(operation, "no consumer of the format runs this operation");
  refuse_strange(p, refuse);
  for (const auto &linear : p.linears) check_linear(o, linear, p.activation, refuse);
  if (o.allow_unfused) return;
  check_fused(p, refuse);
  check_experts(p, refuse);
}

}  // namespace hf
