// A recipe: what is done to a subject, as data. Parsed from the JSON that Lua and the command line
// make. Knows no plugin by name and runs nothing (quantize.hpp does).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace assay::quant {

// One plugin component with its configuration as given; the host validates it against the
// component's schema.
struct component_choice {
  std::string id;  // "rtn", "gptq", "awq"
  json config = json::object();
};

// A change of the quantizer's configuration for some linears; later rules win over earlier ones.
struct linear_override {
  std::string match;             // as in `keep`
  json config = json::object();  // merged over the recipe's quantizer config
};

// Where a linear's calibration input comes from (methods.md 3.1, last but one trap).
enum class propagation_policy {
  fp,          // every input from the float model
  quantized,   // every input from the already quantized part, within a block too
  asymmetric,  // as quantized, and the same tokens run through the float model: targets are its own
};
const char *propagation_name(propagation_policy policy);  // static

struct recipe {
  std::string method = "none";                // the name shown in reports; "none" quantizes nothing
  std::optional<component_choice> quantizer;  // absent: weights stay as they are
  std::vector<component_choice> transforms;   // in order, before the quantizer
  json activation;  // null, or { bits, type = "int"|"fp8", strategy = "token"|"tensor" }
  json kv;          // null, or { bits, type, strategy }
  json tune;        // null, or { steps, rate, batch, norms }: scales trained at the end (tune.hpp)
  // Linears left in float: an exact name, a role ("mlp.down"), or "re:" and an ECMAScript
  // expression that must match the whole name. Embeddings and norms are never quantized unless
  // `embeddings` says so.
  std::vector<std::string> keep = {"lm_head"};
  std::vector<linear_override> overrides;
  propagation_policy propagation = propagation_policy::quantized;
  double sink_weight =
      0.0;  // H' = H + w * tr(H)/tr(H0) * H0, H0 from position 0 (methods-on-smollm2.md, 3)
  // Refuse a Hessian of fewer counted tokens than this share of the input's width: its rank is at
  // most the tokens.
  double min_token_ratio = 1.0;
  // Quantize the embedding. Of a tied model that is the head as well: one table, one form, with the
  // head's statistics; it is never quantized on one side only.
  bool embeddings = false;
  bool ragged_error = false;  // refuse a group size that does not divide a row; else counted
  uint64_t seed = 0;

  // Throws error(usage) naming the key, with "did you mean"; `where` is the place shown.
  static recipe from_json(const json &value, const std::string &where = "recipe");
  json to_json() const;      // complete: defaults filled, fixed key order
  std::string hash() const;  // sha256 of the canonical form, `method` (a mere name) left out
  bool quantizes_nothing() const { return !quantizer && transforms.empty(); }
};

// True if `pattern` (a name, a role, or "re:...") speaks of this linear. Throws error(usage) on a
// bad expression.
bool matches_linear(const std::string &pattern, const std::string &name, const std::string &role);
bool is_kept(const recipe &, const std::string &name, const std::string &role);
// What of the recipe cannot be done with one block's weights at a time: "a tune", ...; "" =
// nothing.
std::string needs_whole_model(const recipe &);
// Throws error(usage) for what a model on demand cannot take. Edited blocks and a quantized
// embedding need a folder.
void require_by_block(const recipe &, bool has_folder);
// The quantizer configuration of one linear: the recipe's, with every matching override merged in.
json config_for_linear(const recipe &, const std::string &name, const std::string &role);

}  // namespace assay::quant
