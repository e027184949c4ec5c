// The C ABI of the dataset plugin "parquet". parquet_source.cpp does the work. What the columns of a
// known dataset mean is written in Lua (scripts/assay/data/datasets).
#include "parquet_source.hpp"

namespace {

const char k_schema[] = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a .parquet file, or a folder of them, read in order of name"},
    "prefix": {"type": "string", "default": "",
               "description": "only the files of a folder whose names begin with this text, such as train-"},
    "columns": {"type": "array", "items": {"type": "string"}, "default": [],
                "description": "the columns to read; empty reads all"},
    "license": {"type": "string", "default": "", "description": "SPDX identifier or words, for the report"},
    "source": {"type": "string", "default": "", "description": "where the data came from, for the report"}
  },
  "required": ["path"],
  "additionalProperties": false
})";

const assay_dataset_vtable k_vtable = assay_cpp::dataset_table<parquet_dataset::parquet_source>();

const auto k_component = assay_cpp::component(
    "parquet", "Parquet files: all encodings, nested columns, one JSON object a row", k_schema,
    k_vtable);
const assay_component *const k_components[] = {&k_component};

const auto k_plugin = assay_cpp::plugin("org.assay.parquet", "1.1.0", "Parquet files as datasets",
                                        "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
