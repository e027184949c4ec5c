// The C ABI of this plugin: one quantizer that works on whole blocks. autoround.cpp does the work.
#include <assay.hpp>

#include "autoround.hpp"

namespace {

const char k_schema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "bits": {"type": "integer", "minimum": 2, "maximum": 8, "default": 4, "x-unit": "bits",
             "description": "width of a code"},
    "group_size": {"type": "integer", "minimum": -1, "not": {"const": 0}, "default": 64, "x-unit": "columns",
                   "description": "columns that share a scale; -1 = the whole row; the last group may be short"},
    "symmetric": {"type": "boolean", "default": true,
                  "description": "full-range symmetric grid; false adds a zero point"},
    "scale_dtype": {"type": "string", "enum": ["float16", "bfloat16", "float32"], "default": "float16",
                    "description": "scales are rounded to it before codes are chosen"},
    "start": {"type": "string", "enum": ["weighted", "range"], "default": "weighted",
              "description": "start of symmetric grids; weighted: the scale with the least error weighted by mean x^2; range: the scale of the range, as published"},
    "iterations": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 200,
                   "description": "steps for each block"},
    "batch": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 8, "x-unit": "sequences",
              "description": "calibration sequences of one step"},
    "learning_rate": {"type": "number", "minimum": 0, "maximum": 1, "default": 0,
                      "description": "size of the first step of the rounding offsets; falls linearly to zero; 0 = 1 / iterations"},
    "range_rate": {"type": "number", "minimum": 0, "maximum": 1, "default": 0,
                   "description": "the same for alpha and beta; 0 = as for the rounding offsets"},
    "learn_ranges": {"type": "boolean", "default": true,
                     "description": "learn the factors alpha and beta on each group's range"},
    "compute": {"type": "string", "enum": ["float32", "bfloat16"], "default": "float32",
                "description": "dtype of the factors in the matrix products of gradients; bfloat16 needs a processor that has it"}
  }
})";

const assay_quantizer_vtable k_table = assay_cpp::quantizer_table<signround::autoround>();

const auto k_autoround = assay_cpp::component(
    "autoround", "signed gradient descent on roundings and ranges of a whole block", k_schema,
    k_table, R"({"devices": ["cpu"], "formats": ["int/1"], "cite": "arXiv:2309.05516"})", 2);

const assay_component *const k_components[] = {&k_autoround};

const auto k_plugin =
    assay_cpp::plugin("org.assay.signround", "1.0.0", "learned rounding of whole blocks",
                      "Apache-2.0", k_components, R"({"extensions": ["assay.block/1"]})");

}  // namespace

const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
