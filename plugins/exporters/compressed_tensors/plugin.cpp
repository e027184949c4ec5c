// The C ABI of this plugin: exporters "awq", "compressed_tensors", "gptq" and "safetensors". Not their work
// (exporters.hpp).
#include <new>
#include <stdexcept>

#include "assay.h"
#include "assay_json.hpp"
#include "exporters.hpp"
#include "folder_writer.hpp"

namespace {

struct instance {
  const assay_host *host;
  hf::options options;
};

// No exception crosses the ABI: each becomes a status and one sentence.
template <class Body>
int32_t guarded(const assay_host *host, Body &&body) {
  try {
    body();
    return ASSAY_OK;
  } catch (const hf::failure &problem) {
    return host->fail(host->ctx, problem.status, problem.what());
  } catch (const std::bad_alloc &) {
    return host->fail(host->ctx, ASSAY_OUT_OF_MEMORY, "not enough memory");
  } catch (const std::exception &problem) {
    return host->fail(host->ctx, ASSAY_INTERNAL, problem.what());
  }
}

int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    const assay_json::value config = assay_json::parse(config_json);
    auto made = new instance{host, {}};
    made->options.shard_bytes = static_cast<uint64_t>(config.number_or("shard_bytes", 5e9));
    made->options.allow_unfused = config.bool_or("allow_unfused", false);
    made->options.dense_packing = config.bool_or("dense_packing", false);
    *out_instance = made;
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

using check_fn = void (*)(const hf::options &, std::string_view, const hf::refuse_fn &);
using write_fn = void (*)(const hf::options &, const assay_export &, const assay_host &);

template <check_fn check_plan>
int32_t check(void *self, const char *plan_json, const assay_refusals *refusals) {
  const auto &my = *static_cast<instance *>(self);
  return guarded(my.host, [&] {
    check_plan(my.options, plan_json, [&](const std::string &where, const std::string &reason) {
      refusals->refuse(refusals->ctx, where.c_str(), reason.c_str());
    });
  });
}

template <write_fn write_folder>
int32_t write(void *self, const assay_export *job) {
  const auto &my = *static_cast<instance *>(self);
  return guarded(my.host, [&] { write_folder(my.options, *job, *my.host); });
}

constexpr assay_exporter_vtable k_compressed = {
    sizeof(assay_exporter_vtable), 0, create, destroy, check<hf::check_compressed>,
    write<hf::write_compressed>};
constexpr assay_exporter_vtable k_dense = {
    sizeof(assay_exporter_vtable), 0, create, destroy, check<hf::check_dense>,
    write<hf::write_dense>};

constexpr assay_exporter_vtable k_gptq = {
    sizeof(assay_exporter_vtable), 0, create, destroy, check<hf::check_gptq>,
    write<hf::write_gptq>};
constexpr assay_exporter_vtable k_awq = {
    sizeof(assay_exporter_vtable), 0, create, destroy, check<hf::check_awq>, write<hf::write_awq>};

constexpr const char *k_compressed_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "shard_bytes": {"type": "integer", "minimum": 1000, "default": 5000000000, "x-unit": "bytes",
    "description": "largest weights file; more are split into shards with an index"},
  "allow_unfused": {"type": "boolean", "default": false,
    "description": "write models whose q, k, v or gate, up differ: transformers loads them, vLLM and SGLang do not"},
  "dense_packing": {"type": "boolean", "default": false,
    "description": "write 3, 5, 6 and 7 bits as compressed-tensors 0.17 and later pack them; older versions misread them"}}})";

constexpr const char *k_dense_schema =
    R"({"type": "object", "additionalProperties": false, "properties": {
  "shard_bytes": {"type": "integer", "minimum": 1000, "default": 5000000000, "x-unit": "bytes",
    "description": "largest weights file; more are split into shards with an index"}}})";

constexpr assay_component k_component_compressed = {
    sizeof(assay_component),
    ASSAY_KIND_EXPORTER,
    "compressed_tensors",
    2,
    0,
    "integer and small-float weights that transformers, vLLM and SGLang load",
    k_compressed_schema,
    R"({"bits": [2, 4, 8], "formats": ["int/1", "float/1"], "activation": ["int8", "fp8"], "kv": ["fp8"],
  "consumers": ["transformers", "vllm", "sglang"]})",
    &k_compressed,
    nullptr};
constexpr assay_component k_component_dense = {
    sizeof(assay_component),
    ASSAY_KIND_EXPORTER,
    "safetensors",
    1,
    0,
    "float weights as they are, in a Hugging Face folder",
    k_dense_schema,
    R"({"bits": [16, 32]})",
    &k_dense,
    nullptr};

constexpr assay_component k_component_gptq = {
    sizeof(assay_component),
    ASSAY_KIND_EXPORTER,
    "gptq",
    1,
    0,
    "integer weights as AutoGPTQ lays them out, for GPTQModel, transformers, vLLM and SGLang",
    k_dense_schema,
    R"({"auto": false, "bits": [2, 4, 8], "formats": ["int/1"]})",
    &k_gptq,
    nullptr};
constexpr assay_component k_component_awq = {
    sizeof(assay_component),
    ASSAY_KIND_EXPORTER,
    "awq",
    1,
    0,
    "4-bit integer weights as AutoAWQ's gemm kernels read them, for vLLM and SGLang",
    k_dense_schema,
    R"({"auto": false, "bits": [4], "formats": ["int/1"]})",
    &k_awq,
    nullptr};

constexpr const assay_component *k_components[] = {&k_component_awq, &k_component_compressed,
                                                   &k_component_dense, &k_component_gptq};

constexpr assay_plugin k_plugin = {
    sizeof(assay_plugin),
    ASSAY_ABI_MINOR,
    "org.assay.compressed_tensors",
    "1.0.0",
    "Hugging Face folders: compressed-tensors, gptq, awq and plain safetensors",
    "Apache-2.0",
    nullptr,
    nullptr,
    4,
    0,
    k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
