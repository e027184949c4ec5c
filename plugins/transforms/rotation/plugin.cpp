// The C ABI of this plugin: the transform "rotation", which multiplies channels by orthogonal matrices.
// rotation.cpp does the work.
#include "assay.hpp"
#include "rotation.hpp"

namespace {

const assay_transform_vtable k_table = assay_cpp::transform_table<rotation::rotate>();

constexpr const char *k_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "r1": {"type": "boolean", "default": true,
    "description": "turn the residual stream; norms are folded first and a tied head gets weights of its own"},
  "r2": {"type": "boolean", "default": true, "description": "turn values and what reads them, head by head"},
  "r4": {"type": "boolean", "default": true,
    "description": "turn the input of down_proj, an operation that stays in the forward pass"},
  "signs": {"type": "string", "enum": ["random", "plain"], "default": "random",
    "description": "random: a Hadamard matrix times random signs from the recipe's seed; plain: without signs"}}})";

const auto k_component = assay_cpp::component(
    "rotation", "turns channels by Hadamard matrices so that no channel stands out", k_schema,
    k_table, R"({"by_block": true, "online": ["r4"], "cite": "arXiv 2404.00456"})");
const assay_component *const k_components[] = {&k_component};

const auto k_plugin = assay_cpp::plugin("org.assay.rotation", "1.0.0",
                                        "rotations that leave the function of the model unchanged",
                                        "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
