// The C ABI of this plugin: transforms that rescale channels. Not the methods (methods.hpp).
#include "assay.hpp"
#include "methods.hpp"

namespace {

const assay_transform_vtable k_awq = assay_cpp::transform_table<scaling::awq>();
const assay_transform_vtable k_smoothquant = assay_cpp::transform_table<scaling::smoothquant>();

constexpr const char *k_awq_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "steps": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20,
    "description": "exponents tried between 0 and 1, both included"},
  "duo_scaling": {"type": "string", "enum": ["off", "only", "both"], "default": "both",
    "description": "divide by the weights' own statistic as AutoAWQ does: never, always, or try both"}}})";

constexpr const char *k_smoothquant_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "alpha": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.8,
    "description": "how much of the activations' range moves into the weights"},
  "groups": {"type": "string", "enum": ["norm", "all"], "default": "norm",
    "description": "norm: q, k, v and gate, up as published; all: also o and down"}}})";

constexpr assay_component k_component_awq = {
    sizeof(assay_component),
    ASSAY_KIND_TRANSFORM,
    "awq",
    1,
    0,
    "activation-aware scaling of channels by searched exponents",
    k_awq_schema,
    nullptr,
    &k_awq,
    nullptr};
constexpr assay_component k_component_smoothquant = {
    sizeof(assay_component),
    ASSAY_KIND_TRANSFORM,
    "smoothquant",
    1,
    0,
    "moves the range of activations into the weights",
    k_smoothquant_schema,
    nullptr,
    &k_smoothquant,
    nullptr};
constexpr const assay_component *k_components[] = {&k_component_awq, &k_component_smoothquant};

constexpr assay_plugin k_plugin = {
    sizeof(assay_plugin),
    ASSAY_ABI_MINOR,
    "org.assay.scaling",
    "1.0.0",
    "transforms that rescale channels and leave the function unchanged",
    "Apache-2.0",
    nullptr,
    R"({"extensions": ["assay.linalg/1"]})",
    2,
    0,
    k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
