// The dataset plugin "text": the face of text_source towards the host.
// Not a reader of tables: see the dataset plugins for parquet and csv.
#include <exception>
#include <memory>
#include <string>

#include "assay.h"
#include "assay_json.hpp"
#include "text_source.hpp"

namespace {

using text_dataset::config;
using text_dataset::text_source;

struct instance {
  const assay_host *host;
  std::unique_ptr<text_source> source;
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
  } catch (const text_dataset::io_problem &problem) {
    return fail(ASSAY_IO, problem.what());
  } catch (const text_dataset::config_problem &problem) {
    return fail(ASSAY_INVALID_ARGUMENT, problem.what());
  } catch (const std::bad_alloc &) {
    return fail(ASSAY_OUT_OF_MEMORY, "not enough memory for the text");
  } catch (const std::exception &problem) {
    return fail(ASSAY_INTERNAL, problem.what());
  }
}

int32_t create(const assay_host *host, const char *config_json, void **out_instance) {
  return guarded(host, [&] {
    const assay_json::value given = assay_json::parse(config_json);
    config chosen;
    chosen.path = given.string_or("path", "");
    chosen.format = given.string_or("format", chosen.format);
    chosen.records = given.string_or("records", chosen.records);
    chosen.field = given.string_or("field", "");
    chosen.license = given.string_or("license", "");
    chosen.source = given.string_or("source", "");
    if (chosen.path.empty())
      throw text_dataset::config_problem("'path' must name a file or folder");
    auto made = std::make_unique<instance>();
    made->host = host;
    made->source = std::make_unique<text_source>(std::move(chosen));
    *out_instance = made.release();
    return ASSAY_OK;
  });
}

void destroy(void *self) {
  delete static_cast<instance *>(self);
}

int32_t info(void *self, assay_dataset_info *out) {
  const text_source &source = *static_cast<instance *>(self)->source;
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
             "description": "a file, or a folder of .txt or .jsonl files read in order of name"},
    "format": {"type": "string", "enum": ["auto", "text", "jsonl"], "default": "auto",
               "description": "auto goes by the ending of the name"},
    "records": {"type": "string", "enum": ["document", "paragraph", "line"], "default": "document",
                "description": "what one record of a text is; blank lines separate paragraphs"},
    "field": {"type": "string", "default": "",
              "description": "of jsonl: the member that becomes the text; empty keeps the objects as they are"},
    "license": {"type": "string", "default": "", "description": "SPDX identifier or words, for the report"},
    "source": {"type": "string", "default": "", "description": "where the text came from, for the report"}
  },
  "required": ["path"],
  "additionalProperties": false
})";

const assay_dataset_vtable k_vtable = {
    sizeof(assay_dataset_vtable), 0, create, destroy, info, next, rewind_records};

const assay_component k_component = {sizeof(assay_component),
                                     ASSAY_KIND_DATASET,
                                     "text",
                                     1,
                                     0,
                                     "Text files and JSON lines, checked to be UTF-8",
                                     k_schema,
                                     nullptr,
                                     &k_vtable,
                                     nullptr};
const assay_component *const k_components[] = {&k_component};

const assay_plugin k_plugin = {
    sizeof(assay_plugin), ASSAY_ABI_MINOR, "org.assay.text", "1.0.0", "Text files as datasets",
    "Apache-2.0",         nullptr,         nullptr,          1,       0,
    k_components};

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
