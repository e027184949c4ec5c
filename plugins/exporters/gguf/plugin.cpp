// The C ABI of this plugin: the exporter "gguf". The functions that exporters.hpp declares
// do the work.
#include <assay.hpp>

#include "exporters.hpp"

namespace {

gguf::fit fit_of(const std::string &name) {
  if (name == "wider") return gguf::fit::wider;
  return name == "rounded" ? gguf::fit::rounded : gguf::fit::exact;
}

const gguf::tensor_type *float_type_of(const std::string &name) {
  for (const auto *type : {&gguf::k_f32, &gguf::k_f16, &gguf::k_bf16})
    if (name == type->name) return type;
  return nullptr;  // "stored"
}

class exporter {
 public:
  explicit exporter(assay_cpp::host host) : host_(host) {
    const assay_cpp::config config(host);
    options_.how = fit_of(config.text("fit"));
    options_.float_type = float_type_of(config.text("float_type"));
  }

  void check(const char *plan_json, const assay_refusals &refusals) const {
    gguf::check_plan(options_, plan_json, [&](const std::string &where, const std::string &reason) {
      refusals.refuse(refusals.ctx, where.c_str(), reason.c_str());
    });
  }

  void write(const assay_export &job) const { gguf::write_file(options_, job, host_); }

 private:
  assay_cpp::host host_;
  gguf::options options_;
};

const auto k_gguf = assay_cpp::exporter_table<exporter>();

constexpr const char *k_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "fit": {"type": "string", "enum": ["exact", "wider", "rounded"], "default": "exact",
    "description": "what is done with a grid that no type of block holds as it is. exact: it is refused. wider: it is stored in a wider block, if one holds the same weights. rounded: an asymmetric grid of 4 or 5 bits, or a grid of up to 5 bits whose zeros are no integers, is stored in Q4_1 or Q5_1, and its minima are rounded to float16"},
  "float_type": {"type": "string", "enum": ["stored", "F32", "F16", "BF16"], "default": "stored",
    "description": "type of matrices that stay float; stored keeps each as it is, other types may round"}}})";

const auto k_component_gguf = assay_cpp::component(
    "gguf", "one file model.gguf with blocks of 2 to 8 bits, for llama.cpp", k_schema, k_gguf,
    R"({"auto": false, "scale_dtype": "float16", "bits": [2, 3, 4, 5, 6, 8, 16, 32], "formats": ["int/1", "affine/1", "kquant/1", "codebook/1"],
  "consumers": ["llama.cpp"]})");

const assay_component *const k_components[] = {&k_component_gguf};

const auto k_plugin = assay_cpp::plugin("org.assay.gguf", "1.0.0", "GGUF files for llama.cpp",
                                        "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
