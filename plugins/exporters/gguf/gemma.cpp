// Writes the keys of Gemma 2 and 3 (ggml-org/llama.cpp, conversion/gemma.py, and load_arch_hparams of both in src/models). For some
// values llama.cpp has one fixed choice; a config.json that has another value is refused.
#include <algorithm>

#include "metadata.hpp"
#include "names.hpp"

namespace gguf {
namespace {

using assay_json::value;

[[noreturn]] void refuse(const std::string &architecture, const std::string &what) {
  throw failure(ASSAY_UNSUPPORTED, "config.json: llama.cpp's " + architecture + " has no " + what);
}

// The number of a key: `absent` if there is none, 0 if it is null.
double number_of(const value &config, const char *key, double absent) {
  return config.find(key) == nullptr ? absent : config.number_or(key, 0);
}

// Each nth layer has no window; returns n, or 0 if no layer has a window. Throws failure if the
// layers follow no such period.
int64_t period_of(const plan &p, const value &config, int64_t absent) {
  const value *types = config.find("layer_types");
  if (types == nullptr || types->items.empty())
    return integer_or(config, "sliding_window_pattern", absent);
  const auto sliding = [&](size_t i) { return types->items[i].text == "sliding_attention"; };
  size_t n = 0;
  while (n < types->items.size() && sliding(n)) ++n;
  bool regular = static_cast<int64_t>(types->items.size()) == p.layers;
  bool any = n > 0;
  for (size_t i = 0; i < types->items.size(); ++i) {
    regular = regular && sliding(i) == ((i + 1) % (n + 1) != 0);
    any = any || sliding(i);
  }
  if (!any) return 0;
  if (!regular) refuse(architecture_of(p.family), "such order of layers with and without a window");
  // The period of layers that all have a window may be any that is longer.
  return n == types->items.size() ? std::max<int64_t>(absent, static_cast<int64_t>(n) + 1)
                                  : static_cast<int64_t>(n) + 1;
}

// llama.cpp divides scores by the root of this number; it knows the largest model of each family by
// the number of its layers.
void check_scores(const plan &p, const value &config, const std::string &a) {
  const bool largest = p.layers == (a == "gemma2" ? 46 : 62);
  const int64_t assumed = largest ? p.hidden_size / p.heads : p.head_dim;
  const double asked = number_of(config, "query_pre_attn_scalar", 256);
  if (asked != static_cast<double>(assumed))
    refuse(a, "query_pre_attn_scalar but " + std::to_string(assumed) + " here");
}

}  // namespace

void put_gemma(const plan &p, const value &config, metadata &to) {
  const std::string a = architecture_of(p.family);
  const bool second = a == "gemma2";
  check_scores(p, config, a);
  const double score_cap = number_of(config, "attn_logit_softcapping", second ? 50 : 0),
               logit_cap = number_of(config, "final_logit_softcapping", second ? 30 : 0);
  if (!second && score_cap > 0) refuse(a, "soft cap of the scores");
  if (second && (score_cap <= 0 || logit_cap <= 0)) refuse(a, "form without soft caps");
  if (second) to.put_f32(a + ".attn_logit_softcapping", score_cap);
  if (logit_cap > 0) to.put_f32(a + ".final_logit_softcapping", logit_cap);
  const value *set = config.find("sliding_window");
  const bool off = set != nullptr && set->kind == assay_json::type::null;
  const int64_t period = off ? 0 : period_of(p, config, second ? 2 : 6);
  if (second && period != 2) refuse(a, "windows but those of every second layer");
  if (period == 0 || period == 1) return;
  to.put_u32(a + ".attention.sliding_window",
             static_cast<uint64_t>(integer_or(config, "sliding_window", 4096)));
  if (second) return;
  if (period != 6)
    to.put_u32(a + ".attention.sliding_window_pattern", static_cast<uint64_t>(period));
  double theta = number_of(config, "rope_local_base_freq", 10000);
  const value *all = config.find("rope_parameters");
  if (const value *local = all != nullptr ? all->find("sliding_attention") : nullptr) {
    theta = local->number_or("rope_theta", theta);
    if (local->string_or("rope_type", "default") != "default")
      refuse(a, "scaled RoPE in layers with a window");
  }
  if (theta != 10000) to.put_f32(a + ".rope.freq_base_swa", theta);
}

}  // namespace gguf
