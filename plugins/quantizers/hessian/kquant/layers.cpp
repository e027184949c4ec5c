// Which block type a linear gets: by its layer, as in llama-quantize's mixtures, and by the length of
// its rows (ggml-org/llama.cpp, src/llama-quant.cpp, llama_tensor_get_type_impl, tensor_type_fallback).
#include "assay_json.hpp"
#include "kquant.hpp"

namespace hessian {
namespace {

raised_where where_of(const std::string &name) {
  if (name == "edges_and_thirds") return raised_where::edges_and_thirds;
  if (name == "first_eighth") return raised_where::first_eighth;
  if (name == "first_sixteenth") return raised_where::first_sixteenth;
  if (name == "first_two") return raised_where::first_two;
  if (name == "first_four") return raised_where::first_four;
  if (name == "grouped_heads") return raised_where::grouped_heads;
  return name == "tied" ? raised_where::tied : raised_where::nowhere;
}

bool is_raised(const kquant_config &config, const assay_linear &linear) {
  if (config.raised == raised_where::nowhere) return false;
  if (config.raised == raised_where::tied) return (linear.flags & ASSAY_LINEAR_TIED) != 0;
  const int64_t i = linear.block_index;
  if (i < 0) return false;
  const auto arch = assay_json::parse(linear.arch_json != nullptr ? linear.arch_json : "{}");
  const auto fact = [&](const char *key) { return static_cast<int64_t>(arch.number_or(key, 0)); };
  const int64_t n = fact("layers");
  switch (config.raised) {
    case raised_where::edges_and_thirds:
      return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    case raised_where::first_eighth:
      return i < n / 8;
    case raised_where::first_sixteenth:
      return i < n / 16;
    case raised_where::first_two:
      return i < 2;
    case raised_where::first_four:
      return i < 4;
    default:
      return fact("kv_heads") > 0 && fact("heads") / fact("kv_heads") >= 4;
  }
}

}  // namespace

kquant_config read_kquant(const assay_cpp::config &config) {
  kquant_config out;
  out.type = config.text("type");
  out.raised_type = config.text("raised_type");
  out.raised = where_of(config.text("raised_where"));
  out.by_importance = config.text("search") == "importance";
  out.with_feedback = config.flag("feedback");
  out.static_groups = config.flag("static_groups");
  out.act_order = config.flag("act_order");
  out.damping = config.number("damping");
  out.range.from = static_cast<float>(config.number("scale_from"));
  if (out.with_feedback && out.act_order && !out.static_groups)
    throw failure(
        ASSAY_INVALID_ARGUMENT,
        "act_order needs static_groups: a block that is fitted when its first column comes "
        "must have its columns side by side");
  return out;
}

// Small factors clip large weights. The rule is that of opt_rtn and gptq, whose perplexity was measured
// (reports/measurements/methods.md). From 5 bits on, few scales would lie near the full range.
float least_factor(const kquant_config &config, const block_type &type) {
  if (config.range.from > 0) return config.range.from;
  const bool clips = type.bits < 4 || (type.bits == 4 && config.with_feedback);
  return clips ? 0.6f : 0.9f;
}

const block_type &type_for(const kquant_config &config, const assay_linear &linear,
                           std::string &asked) {
  asked = is_raised(config, linear) ? config.raised_type : config.type;
  const block_type *type = &block_type_of(asked);
  if (linear.in_features % type->columns != 0 && type->narrow != nullptr)
    type = &block_type_of(type->narrow);
  if (linear.in_features % type->columns != 0)
    throw failure(
        ASSAY_INVALID_ARGUMENT,
        "rows of " + std::to_string(linear.in_features) +
            " are no multiple of 32, the columns of the smallest block: keep this linear");
  return *type;
}

}  // namespace hessian
