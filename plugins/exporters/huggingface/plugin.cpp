// The C ABI of this plugin: the exporters "awq", "compressed_tensors", "gptq" and "safetensors". The
// functions that exporters.hpp declares do the work.
#include <assay.hpp>

#include "exporters.hpp"

namespace {

using check_fn = void (*)(const hf::options &, std::string_view, const hf::refuse_fn &);
using write_fn = void (*)(const hf::options &, const assay_export &, const assay_host &);

// The class that assay_cpp::exporter_table needs, made from a check_ and a write_ function. `packs` is true if the
// schema has the keys allow_unfused and dense_packing.
template <check_fn check_plan, write_fn write_folder, bool packs = false>
class exporter {
 public:
  explicit exporter(assay_cpp::host host) : host_(host) {
    const assay_cpp::config config(host);
    options_.shard_bytes = static_cast<uint64_t>(config.integer("shard_bytes"));
    if constexpr (packs) {
      options_.allow_unfused = config.flag("allow_unfused");
      options_.dense_packing = config.flag("dense_packing");
    }
  }

  void check(const char *plan_json, const assay_refusals &refusals) const {
    check_plan(options_, plan_json, [&](const std::string &where, const std::string &reason) {
      refusals.refuse(refusals.ctx, where.c_str(), reason.c_str());
    });
  }

  void write(const assay_export &job) const { write_folder(options_, job, *host_.table()); }

 private:
  assay_cpp::host host_;
  hf::options options_;
};

const auto k_compressed =
    assay_cpp::exporter_table<exporter<hf::check_compressed, hf::write_compressed, true>>();
const auto k_dense = assay_cpp::exporter_table<exporter<hf::check_dense, hf::write_dense>>();
const auto k_gptq = assay_cpp::exporter_table<exporter<hf::check_gptq, hf::write_gptq>>();
const auto k_awq = assay_cpp::exporter_table<exporter<hf::check_awq, hf::write_awq>>();

constexpr const char *k_compressed_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "shard_bytes": {"type": "integer", "minimum": 1000, "default": 5000000000, "x-unit": "bytes",
    "description": "largest size of a weights file; a larger model is split into several files with an index"},
  "allow_unfused": {"type": "boolean", "default": false,
    "description": "write models in which q, k, v (or gate, up) have different grids: transformers loads them, vLLM and SGLang do not"},
  "dense_packing": {"type": "boolean", "default": false,
    "description": "write 3, 5, 6 and 7 bits as compressed-tensors 0.17 and later pack them; older versions misread them"}}})";

constexpr const char *k_dense_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "shard_bytes": {"type": "integer", "minimum": 1000, "default": 5000000000, "x-unit": "bytes",
    "description": "largest size of a weights file; a larger model is split into several files with an index"}}})";

const auto k_component_compressed = assay_cpp::component(
    "compressed_tensors", "integer and small-float weights that transformers, vLLM and SGLang load",
    k_compressed_schema, k_compressed,
    R"({"bits": [2, 4, 8], "formats": ["int/1", "float/1"], "activation": ["int8", "fp8"], "kv": ["fp8"],
  "consumers": ["transformers", "vllm", "sglang"]})",
    2);
const auto k_component_dense =
    assay_cpp::component("safetensors", "float weights as they are, in a Hugging Face folder",
                         k_dense_schema, k_dense, R"({"bits": [16, 32]})");

const auto k_component_gptq = assay_cpp::component(
    "gptq",
    "integer weights as AutoGPTQ lays them out, for GPTQModel, transformers, vLLM and SGLang",
    k_dense_schema, k_gptq,
    R"({"auto": false, "scale_dtype": "float16", "bits": [2, 4, 8], "formats": ["int/1"]})");
const auto k_component_awq = assay_cpp::component(
    "awq", "4-bit integer weights as AutoAWQ's gemm kernels read them, for vLLM and SGLang",
    k_dense_schema, k_awq,
    R"({"auto": false, "scale_dtype": "float16", "bits": [4], "formats": ["int/1"]})");

const assay_component *const k_components[] = {&k_component_awq, &k_component_compressed,
                                               &k_component_dense, &k_component_gptq};

const auto k_plugin =
    assay_cpp::plugin("org.assay.compressed_tensors", "1.0.0",
                      "Hugging Face folders: compressed-tensors, gptq, awq and plain safetensors",
                      "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
