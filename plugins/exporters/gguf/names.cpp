// Lists the names of families and tensors (ggml-org/llama.cpp, gguf-py/gguf/constants.py).
#include "names.hpp"

#include <array>

namespace gguf {
namespace {

struct name_pair {
  std::string_view hf, gguf;
};
constexpr std::array<name_pair, 9> k_families{{{"llama", "llama"},
                                               {"mistral", "llama"},
                                               {"qwen2", "qwen2"},
                                               {"qwen3", "qwen3"},
                                               {"gemma2", "gemma2"},
                                               {"gemma3_text", "gemma3"},
                                               {"olmo2", "olmo2"},
                                               {"granite", "granite"},
                                               {"smollm3", "smollm3"}}};
constexpr std::array<name_pair, 3> k_outer{
    {{"model.embed_tokens", "token_embd"}, {"model.norm", "output_norm"}, {"lm_head", "output"}}};
constexpr std::array<name_pair, 11> k_inner{{{"input_layernorm", "attn_norm"},
                                             {"self_attn.q_proj", "attn_q"},
                                             {"self_attn.k_proj", "attn_k"},
                                             {"self_attn.v_proj", "attn_v"},
                                             {"self_attn.o_proj", "attn_output"},
                                             {"self_attn.q_norm", "attn_q_norm"},
                                             {"self_attn.k_norm", "attn_k_norm"},
                                             {"post_attention_layernorm", "ffn_norm"},
                                             {"mlp.gate_proj", "ffn_gate"},
                                             {"mlp.up_proj", "ffn_up"},
                                             {"mlp.down_proj", "ffn_down"}}};
// Families with norms after attention and MLP give one name to another norm.
constexpr std::array<name_pair, 3> k_norms_after{
    {{"post_attention_layernorm", "post_attention_norm"},
     {"pre_feedforward_layernorm", "ffn_norm"},
     {"post_feedforward_layernorm", "post_ffw_norm"}}};
constexpr std::string_view k_layers = "model.layers.";

template <size_t n>
std::string_view find(const std::array<name_pair, n> &pairs, std::string_view hf) {
  for (const name_pair &pair : pairs)
    if (pair.hf == hf) return pair.gguf;
  return "";
}

// "blk.0.attn_q.weight" -> "attn_q"; "" outside the blocks.
std::string_view part_of(std::string_view tensor) {
  if (tensor.substr(0, 4) != "blk.") return "";
  const size_t begin = tensor.find('.', 4), end = tensor.rfind('.');
  return begin < end ? tensor.substr(begin + 1, end - begin - 1) : "";
}

}  // namespace

std::string architecture_of(std::string_view family) {
  return std::string(find(k_families, family));
}

bool is_gemma(std::string_view family) {
  return family == "gemma2" || family == "gemma3_text";
}

std::string gguf_name(std::string_view name, std::string_view family) {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return "";
  const std::string_view stem = name.substr(0, dot), suffix = name.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return "";
  if (const auto outer = find(k_outer, stem); !outer.empty())
    return std::string(outer).append(suffix);
  if (stem.substr(0, k_layers.size()) != k_layers) return "";
  const size_t next = stem.find('.', k_layers.size());
  if (next == std::string_view::npos) return "";
  const std::string_view part = stem.substr(next + 1);
  const bool norms_after = is_gemma(family) || family == "olmo2";
  const auto after = norms_after ? find(k_norms_after, part) : std::string_view();
  const auto inner = after.empty() ? find(k_inner, part) : after;
  if (inner.empty()) return "";
  std::string out = "blk.";
  out.append(stem.substr(k_layers.size(), next - k_layers.size())).append(".");
  return out.append(inner).append(suffix);
}

bool may_have_bias(std::string_view architecture, std::string_view tensor) {
  const std::string_view part = part_of(tensor);
  if (part == "attn_q" || part == "attn_k" || part == "attn_v") return true;
  return (architecture == "llama" || architecture == "granite") &&
         (part == "attn_output" || part == "ffn_gate" || part == "ffn_up" || part == "ffn_down");
}

int64_t reordered_heads(const plan &p, std::string_view tensor) {
  // In these architectures llama.cpp turns pairs of neighbouring channels (llama_model_rope_type).
  const std::string architecture = architecture_of(p.family);
  if (architecture != "llama" && architecture != "granite" && architecture != "smollm3") return 0;
  const std::string_view part = part_of(tensor);
  return part == "attn_q" ? p.heads : part == "attn_k" ? p.kv_heads : 0;
}

}  // namespace gguf
