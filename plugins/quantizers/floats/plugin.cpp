// The C ABI of this plugin: quantizers that round to small floats. float_quantizer.cpp does the work.
#include "assay.hpp"
#include "float_quantizer.hpp"

namespace {

const auto k_fp8_table = assay_cpp::quantizer_table<floats::quantizer<floats::k_fp8>>();
const auto k_mxfp4_table = assay_cpp::quantizer_table<floats::quantizer<floats::k_mxfp4>>();
const auto k_nvfp4_table = assay_cpp::quantizer_table<floats::quantizer<floats::k_nvfp4>>();

constexpr const char *k_fp8_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "group_size": {"type": "integer", "minimum": -1, "not": {"const": 0}, "default": -1, "x-unit": "columns",
    "description": "columns that share a scale; -1 = the whole row"}}})";
constexpr const char *k_fixed_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {}})";
// What is fixed is not in the configuration: the bits, and the group size of mxfp4 and nvfp4. `assay plan`
// reads it here.
constexpr const char *k_fp8_facts =
    R"({"data_free": true, "devices": ["cpu"], "formats": ["float/1"], "bits": 8})";
constexpr const char *k_mxfp4_facts =
    R"({"data_free": true, "devices": ["cpu"], "formats": ["float/1"], "bits": 4, "group_size": 32})";
constexpr const char *k_nvfp4_facts =
    R"({"data_free": true, "devices": ["cpu"], "formats": ["float/1"], "bits": 4, "group_size": 16})";

const auto k_fp8 = assay_cpp::component("fp8", "8-bit floats E4M3 with a scale for each row",
                                        k_fp8_schema, k_fp8_table, k_fp8_facts);
const auto k_mxfp4 =
    assay_cpp::component("mxfp4", "4-bit floats E2M1 in groups of 32 with power-of-two scales",
                         k_fixed_schema, k_mxfp4_table, k_mxfp4_facts);
const auto k_nvfp4 =
    assay_cpp::component("nvfp4", "4-bit floats E2M1 in groups of 16 with E4M3 scales",
                         k_fixed_schema, k_nvfp4_table, k_nvfp4_facts);
const assay_component *const k_components[] = {&k_fp8, &k_mxfp4, &k_nvfp4};

const auto k_plugin =
    assay_cpp::plugin("org.assay.floats", "1.0.0", "quantizers on small floats: fp8, mxfp4, nvfp4",
                      "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
