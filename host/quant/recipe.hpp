// Holds a recipe: what is done to a model, as data. Lua and the command line give it as JSON.
// quantize.hpp runs it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "calibration/expert_policy.hpp"
#include "core/json.hpp"

namespace assay::quant {

// One component of a plugin, with the configuration that the user gave. It is checked against the
// component's schema later, when an instance is made.
struct component_choice {
  std::string id;  // "rtn", "gptq", "awq"
  json config = json::object();
};

// Changes the quantizer's configuration for some linears. If several rules match,
// the last one wins.
struct linear_override {
  std::string match;             // as in `keep`
  json config = json::object();  // merged over the recipe's quantizer config
};

// Which model gives the inputs on which a linear is calibrated.
enum class propagation_policy {
  fp,          // the float model
  quantized,   // the model whose earlier linears are quantized already, within a block too
  asymmetric,  // like `quantized`, but the target outputs of the linear are those of the float model
};
const char *propagation_name(propagation_policy policy);  // "fp", "quantized" or "asymmetric"

struct recipe {
  std::string method = "none";                // the name in reports; "none" quantizes nothing
  std::optional<component_choice> quantizer;  // absent: weights stay as they are
  std::vector<component_choice> transforms;   // in order, before the quantizer
  json activation;  // rounding of inputs: null, or a scheme of schemes/activation.hpp
  json kv;          // rounding of keys and values: null, or a scheme of schemes/kv_scheme.hpp
  json tune;        // training of scales at the end: null, or the options of tuning/tune.hpp
  // Linears that stay in float: an exact name, a role ("mlp.down"), or "re:" and an
  // ECMAScript expression that must match the whole name. Norms are never quantized. The embedding
  // is quantized only if `embeddings` is true.
  std::vector<std::string> keep = {"lm_head"};
  std::vector<linear_override> overrides;
  propagation_policy propagation = propagation_policy::quantized;
  // Extra weight w of tokens at position 0 in the Hessian H: H + w * tr(H)/tr(H0) * H0, where H0 is
  // the Hessian of these tokens alone (calibration/statistics.hpp). Its key is "sink_weight".
  double first_token_weight = 0.0;
  // A Hessian must be the sum over at least this many counted tokens, as a share of the input's
  // width. With fewer tokens than columns (a share below 1) a Hessian does not have full rank.
  double min_token_ratio = 1.0;
  // What is done for an expert that saw fewer calibration tokens than its input is wide.
  expert_policy experts = expert_policy::borrow;
  // Quantizes the routers of experts too. False: they stay in float, whatever `keep` says.
  bool routers = false;
  // Quantizes the embedding too. In a tied model embedding and head are one matrix: it has one
  // form, made with the head's statistics.
  bool embeddings = false;
  // A group size that does not divide a row: true = refuse it, false = allow it with an incident.
  bool ragged_error = false;
  uint64_t seed = 0;

  // Throws error(usage) with the wrong key and "did you mean". where: the place named in the message.
  static recipe from_json(const json &value, const std::string &where = "recipe");
  json to_json() const;      // all keys, in a fixed order
  std::string hash() const;  // sha256 of the canonical JSON without `method`, which is only a name
  bool quantizes_nothing() const { return !quantizer && transforms.empty(); }
};

// True if `pattern` (a name, a role, or "re:...") matches this linear. Throws error(usage) for a
// regular expression that cannot be read.
bool matches_linear(const std::string &pattern, const std::string &name, const std::string &role);
// True if the linear stays in float, by `keep` or as a router.
bool is_kept(const recipe &, const std::string &name, const std::string &role);
// Names the first part of the recipe that needs the whole model in memory, such as "a tune"; "" if
// there is none.
std::string needs_whole_model(const recipe &);
// Throws error(usage) if the recipe cannot run on a model whose blocks are read from disk one by one.
// has_folder: there is a folder on disk. A recipe with transforms needs it for the edited blocks, and
// one with `embeddings` for the quantized embedding.
void require_by_block(const recipe &, bool has_folder);
// The quantizer's configuration for one linear: the recipe's, with every matching
// override merged in.
json config_for_linear(const recipe &, const std::string &name, const std::string &role);

}  // namespace assay::quant
