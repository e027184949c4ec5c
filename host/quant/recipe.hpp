// Holds a recipe: what is done to a model, as data that Lua and the command line give as JSON. It
// knows no plugin by name and runs nothing (quantize.hpp does).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::quant {

// One plugin component with its configuration as the user gave it; the host checks it against
// the component's schema.
struct component_choice {
  std::string id;  // "rtn", "gptq", "awq"
  json config = json::object();
};

// A change of the quantizer's configuration for some linears; later rules win over earlier ones.
struct linear_override {
  std::string match;             // as in `keep`
  json config = json::object();  // merged over the recipe's quantizer config
};

// Where a linear's calibration input comes from.
enum class propagation_policy {
  fp,          // every input from the float model
  quantized,   // every input from the already quantized part, within a block too
  asymmetric,  // as quantized; targets come from the float model on the same tokens
};
const char *propagation_name(propagation_policy policy);  // static

struct recipe {
  std::string method = "none";                // the name in reports; "none" quantizes nothing
  std::optional<component_choice> quantizer;  // absent: weights stay as they are
  std::vector<component_choice> transforms;   // in order, before the quantizer
  json activation;  // null, or { bits, type = "int"|"fp8", strategy = "token"|"tensor" }
  json kv;          // null, or { bits, type, strategy }
  json tune;        // null, or { steps, rate, batch, norms }: scales trained at the end (tune.hpp)
  // Linears that stay in float: an exact name, a role ("mlp.down"), or "re:" and an
  // ECMAScript expression that must match the whole name. Norms are never quantized, the
  // embedding only with `embeddings`.
  std::vector<std::string> keep = {"lm_head"};
  std::vector<linear_override> overrides;
  propagation_policy propagation = propagation_policy::quantized;
  // The key "sink_weight": H' = H + w * tr(H)/tr(H0) * H0 with H0 from position
  // 0 alone (calibration/statistics.hpp).
  double first_token_weight = 0.0;
  // Refuses a Hessian with fewer counted tokens than this share of the input's width, because its
  // rank is at most the number of tokens.
  double min_token_ratio = 1.0;
  // Quantizes the embedding. In a tied model it is the head too: one matrix with one form and the
  // head's statistics, never quantized on one side only.
  bool embeddings = false;
  bool ragged_error = false;  // refuse a group size that does not divide a row; else counted
  uint64_t seed = 0;

  // Throws error(usage) naming the key, with "did you mean"; `where` is the place shown.
  static recipe from_json(const json &value, const std::string &where = "recipe");
  json to_json() const;      // complete: with defaults, keys in a fixed order
  std::string hash() const;  // sha256 of the canonical form, without `method`, which is only a name
  bool quantizes_nothing() const { return !quantizer && transforms.empty(); }
};

// True if `pattern` (a name, a role, or "re:...") matches this linear. Throws error(usage) for
// a bad expression.
bool matches_linear(const std::string &pattern, const std::string &name, const std::string &role);
bool is_kept(const recipe &, const std::string &name, const std::string &role);
// The first part of the recipe that needs the whole model in memory, such as "a tune";
// empty if none.
std::string needs_whole_model(const recipe &);
// Throws error(usage) for a recipe that a model cannot take whose blocks are read on demand. Edited
// blocks and a quantized embedding need a folder.
void require_by_block(const recipe &, bool has_folder);
// The quantizer's configuration for one linear: the recipe's, with every matching
// override merged in.
json config_for_linear(const recipe &, const std::string &name, const std::string &role);

}  // namespace assay::quant
