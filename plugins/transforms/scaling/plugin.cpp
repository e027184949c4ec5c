// The C ABI of this plugin: transforms that rescale channels. methods.hpp declares the classes
// that do the work.
#include "assay.hpp"
#include "methods.hpp"

namespace {

const assay_transform_vtable k_awq = assay_cpp::transform_table<scaling::awq>();
const assay_transform_vtable k_awq_sqrt = assay_cpp::transform_table<scaling::awq_sqrt>();
const assay_transform_vtable k_smoothquant = assay_cpp::transform_table<scaling::smoothquant>();

constexpr const char *k_awq_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "steps": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20,
    "description": "the exponents 0, 1/steps .. 1 are tried"},
  "duo_scaling": {"type": "string", "enum": ["off", "only", "both"], "default": "both",
    "description": "divide by the weights' own statistic as AutoAWQ does: never, always, or try both"},
  "loss": {"type": "string", "enum": ["gram", "parent"], "default": "gram",
    "description": "gram: exact error of the linears; parent: for groups behind a norm, error of attention or MLP"},
  "loss_tokens": {"type": "integer", "minimum": 64, "default": 2048, "x-unit": "tokens",
    "description": "calibration tokens of each forward pass with loss = parent"},
  "clip": {"type": "string", "enum": ["off", "symmetric", "asymmetric"], "default": "off",
    "description": "search limits for the weights of each group after scaling; not for q and k"}}})";

constexpr const char *k_awq_sqrt_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "epsilon": {"type": "number", "minimum": 0, "default": 1e-8, "description": "added to mean|x|"}}})";

constexpr const char *k_smoothquant_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "alpha": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.8,
    "description": "how much of the activations' range moves into the weights"},
  "groups": {"type": "string", "enum": ["norm", "all"], "default": "norm",
    "description": "norm: q, k, v and gate, up as published; all: also o and down"},
  "search": {"type": "boolean", "default": false,
    "description": "for each group behind a norm, try no scaling and alpha = 0.30, 0.35 .. 0.95; the least loss wins"},
  "loss_tokens": {"type": "integer", "minimum": 64, "default": 2048, "x-unit": "tokens",
    "description": "calibration tokens of each forward pass of the search"},
  "attention": {"type": "string", "enum": ["off", "head"], "default": "off",
    "description": "head: also even out the channels of keys against queries, head by head"}}})";

const auto k_of_awq = assay_cpp::component(
    "awq", "activation-aware scaling of channels by searched exponents", k_awq_schema, k_awq,
    R"({"by_block": true, "cite": "arXiv 2306.00978"})", 2);
const auto k_of_awq_sqrt =
    assay_cpp::component("awq_sqrt", "scaling of channels by the square root of mean|x|",
                         k_awq_sqrt_schema, k_awq_sqrt, R"({"by_block": true})", 2);
const auto k_of_smoothquant = assay_cpp::component(
    "smoothquant", "moves the range of activations into the weights", k_smoothquant_schema,
    k_smoothquant, R"({"by_block": true, "cite": "arXiv 2211.10438"})", 2);
const assay_component *const k_components[] = {&k_of_awq, &k_of_awq_sqrt, &k_of_smoothquant};

const auto k_plugin =
    assay_cpp::plugin("org.assay.scaling", "1.1.0",
                      "transforms that rescale channels and leave the function unchanged",
                      "Apache-2.0", k_components, R"({"extensions": ["assay.linalg/1"]})");

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
