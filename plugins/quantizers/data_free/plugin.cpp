// The C ABI of this plugin: two quantizers that need no calibration data. hqq.cpp and codebook.cpp
// do the work.
#include <assay.hpp>

#include "codebook.hpp"
#include "hqq.hpp"

namespace {

const char k_hqq_schema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "bits": {"type": "integer", "minimum": 2, "maximum": 8, "default": 4, "x-unit": "bits",
             "description": "width of a code"},
    "group_size": {"type": "integer", "minimum": -1, "not": {"const": 0}, "default": 64, "x-unit": "columns",
                   "description": "columns that share a scale and a zero; -1 = the whole row"},
    "iterations": {"type": "integer", "minimum": 0, "maximum": 100, "default": 20,
                   "description": "largest number of steps; the search ends earlier if the error does not fall"},
    "p": {"type": "number", "minimum": 0.1, "maximum": 1, "default": 0.7,
          "description": "exponent of the error norm"},
    "beta": {"type": "number", "minimum": 0.1, "maximum": 10000, "default": 10,
             "description": "beta in the first step; with a larger beta a smaller part of the error counts"},
    "kappa": {"type": "number", "minimum": 1, "maximum": 2, "default": 1.01,
              "description": "growth of beta in each step"},
    "first_zero": {"type": "string", "enum": ["auto", "whole", "real"], "default": "auto",
                   "description": "zero point from which the search starts: a whole number, a real number, or auto, which is whole at 4 bits, else real"}
  }
})";

const char k_codebook_schema[] = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "codebook": {"type": "string", "enum": ["nf4", "fp4"], "default": "nf4",
                 "description": "the 16 values: quantiles of the normal distribution, or E2M1"},
    "group_size": {"type": "integer", "minimum": -1, "not": {"const": 0}, "default": 64, "x-unit": "columns",
                   "description": "columns that share a scale; -1 = the whole row"}
  }
})";

const assay_quantizer_vtable k_hqq_table = assay_cpp::quantizer_table<data_free::hqq>();
const assay_quantizer_vtable k_codebook_table = assay_cpp::quantizer_table<data_free::codebook>();

const auto k_hqq = assay_cpp::component(
    "hqq",
    "half-quadratic quantization: the zero point minimises a robust norm of the error, without "
    "data",
    k_hqq_schema, k_hqq_table,
    R"({"data_free": true, "devices": ["cpu"], "formats": ["affine/1"], "cite": "mobiusml.github.io/hqq_blog"})");

const auto k_codebook = assay_cpp::component(
    "codebook", "the nearest of 16 fixed values (nf4, fp4) times the group's largest magnitude",
    k_codebook_schema, k_codebook_table,
    R"({"data_free": true, "devices": ["cpu"], "formats": ["codebook/1"], "bits": 4, "cite": "arXiv:2305.14314"})");

const assay_component *const k_components[] = {&k_hqq, &k_codebook};

const auto k_plugin =
    assay_cpp::plugin("assay.data_free", "1.0.0", "quantizers that need no data beyond the weights",
                      "Apache-2.0", k_components);

}  // namespace

const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
