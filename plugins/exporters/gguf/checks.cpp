// Refuses what a GGUF file, or llama.cpp, cannot hold. It needs only the plan, so a model is
// refused before any of it is quantized. Each refusal names the linear, tensor or key.
#include "exporters.hpp"
#include "names.hpp"
#include "plan.hpp"

namespace gguf {
namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Before the run the plan names the dtype as the configuration does (float16), after it as the tensor does (f16).
bool is_float16(const std::string &dtype) {
  return dtype == "float16" || dtype == "f16";
}

// True before the run, when the type of each linear's blocks is not known yet: kquant chooses it, and
// refuses rows that no block holds.
bool is_planned_block(const grid &codes) {
  return codes.format == "kquant/1" && codes.block.empty();
}

void check_linear(const options &o, const std::string &family, const planned_linear &linear,
                  const refuse_fn &refuse) {
  std::string reason;
  if (gguf_name(linear.name + ".weight", family).empty())
    refuse(linear.name, "llama.cpp has no name for this linear");
  else if (!is_planned_block(linear.codes) && block_for(linear.codes, o.how, reason) == nullptr)
    refuse(linear.name, reason);
  else if (linear.in % k_block != 0)
    refuse(linear.name, "a block has 32 weights of one row: rows of " + std::to_string(linear.in) +
                            " are no multiple of 32");
  else if (!is_float16(linear.scale_dtype))
    refuse(linear.name, "a block has a float16 scale, not " + linear.scale_dtype +
                            ": quantize with scale_dtype = \"float16\"");
}

void check_tensor(const std::string &family, const std::string &name, const refuse_fn &refuse) {
  const std::string architecture = architecture_of(family), stored = gguf_name(name, family);
  if (stored.empty())
    refuse(name, "llama.cpp has no name for this tensor");
  else if (ends_with(stored, ".bias") && !may_have_bias(architecture, stored))
    refuse(name, "llama.cpp's " + architecture + " has no bias here");
  else if (architecture == "gemma2" && stored == "output.weight")
    refuse(name, "llama.cpp's gemma2 takes its embedding as head");
}

}  // namespace

void check_plan(const options &o, std::string_view plan_json, const refuse_fn &refuse) {
  const plan p = read_plan(plan_json);
  const std::string architecture = architecture_of(p.family);
  if (architecture.empty()) {
    refuse("arch", p.family.empty()
                       ? "the plan names no family of models"
                       : "GGUF files of the family '" + p.family +
                             "' are not written (llama, mistral, qwen2, qwen3, gemma2, "
                             "gemma3_text, olmo2, granite, smollm3 are)");
    return;
  }
  for (const auto &key : p.schemes)
    refuse("scheme." + key,
           "a GGUF file holds no scheme: llama.cpp rounds inputs and its cache as "
           "its own options say");
  for (const auto &operation : p.online) refuse(operation, "llama.cpp does not run this operation");
  for (const auto &linear : p.biases) refuse(linear, "this family has no bias here");
  for (const auto &linear : p.linears) check_linear(o, p.family, linear, refuse);
  for (const auto &name : p.tensors) check_tensor(p.family, name, refuse);
}

}  // namespace gguf
