// The dataset plugin "parquet": the face of parquet_source towards the host.
// Not the meaning of known sets; their mappings are Lua.
#include <exception>
#include <memory>
#include <string>

#include "assay.h"
#include "assay_json.hpp"
#include "parquet_source.hpp"

namespace {

using parquet_dataset::config;
using parquet_dataset::parquet_source;

struct instance {
  const assay_host *host;
  std::unique_ptr<parquet_source> source;
  std::string record;
};

// Runs body and turns exceptions into statuses, since none may cross.
template <typename function>
int32_t guarded(const assay_host *host, function body) {
  const auto fail = [&](int32_t status, const char *text) {
    return host->fail(host->ctx, status, text);
  };
  try {
    return body();
  } catch (const parquet_dataset::io_problem &problem) {
    return fail(ASSAY_IO, problem.what());
  } catch (const parquet_dataset::config_problem &problem) {
    return fail(ASSAY_INVALID_ARGUMENT, problem.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "not enough memory for the table");
  } catch (const std::exception &problem) {
    return fail(ASSAY_INTERNAL, problem.what());
  }
}

int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    const assay_json::value given = assay_json::parse(config_json);
    config chosen;
    chosen.path = given.string_or("path", "");
    chosen.prefix = given.string_or("prefix", "");
    if (const assay_json::value *columns = given.find("columns"))
      for (const assay_json::value &name : columns->items) chosen.columns.push_back(name.text);
    chosen.license = given.string_or("license", "");
    chosen.source = given.string_or("source", "");
    if (chosen.path.empty())
      throw parquet_dataset::config_problem("'path' must name a file or folder");
    auto made = std::make_unique<instance>();
    made->host = host;
    made->source = std::make_unique<parquet_source>(std::move(chosen));
    *out_instance = made.release();
    return ASSAY_OK;
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

int32_t info(void *self, assay_dataset_info *out) {
  const parquet_source &source = *static_cast<instance *>(self)->source;
  out->count = source.count();
  out->fields_json = source.fields_json().c_str();
  out->content_hash = source.content_hash().c_str();
  out->license = source.chosen().license.empty() ? nullptr : source.chosen().license.c_str();
  out->source = source.chosen().source.empty() ? source.chosen().path.c_str()
                                               : source.chosen().source.c_str();
  return ASSAY_OK;
}

int32_t next(void *self, const char **out_json, uint64_t *out_bytes) {
  auto *mine = static_cast<instance *>(self);
  return guarded(mine->host, [&] {
    auto record = mine->source->next();
    if (!record) return ASSAY_END;
    mine->record = std::move(*record);
    *out_json = mine->record.c_str();
    *out_bytes = mine->record.size();
    return ASSAY_OK;
  });
}

int32_t rewind_records(void *self) {
  static_cast<instance *>(self)->source->rewind();
  return ASSAY_OK;
}

const char k_schema[] = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a .parquet file, or a folder of them, read in order of name"},
    "prefix": {"type": "string", "default": "",
               "description": "of a folder: only files whose name begins so, such as train-"},
    "columns": {"type": "array", "items": {"type": "string"}, "default": [],
                "description": "the columns to read; empty reads all"},
    "license": {"type": "string", "default": "", "description": "SPDX identifier or words, for the report"},
    "source": {"type": "string", "default": "", "description": "where the data came from, for the report"}
  },
  "required": ["path"],
  "additionalProperties": false
})";

const assay_dataset_vtable k_vtable = {
    sizeof(assay_dataset_vtable), 0, create, destroy, info, next, rewind_records};

const assay_component k_component = {
    sizeof(assay_component),
    ASSAY_KIND_DATASET,
    "parquet",
    1,
    0,
    "Parquet files: all encodings, nested columns, one JSON object a row",
    k_schema,
    nullptr,
    &k_vtable,
    nullptr};
const assay_component *const k_components[] = {&k_component};

const assay_plugin k_plugin = {sizeof(assay_plugin),
                               ASSAY_ABI_MINOR,
                               "org.assay.parquet",
                               "1.0.0",
                               "Parquet files as datasets",
                               "Apache-2.0",
                               nullptr,
                               nullptr,
                               1,
                               0,
                               k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
