// The C ABI of the dataset plugin "text", which has the components text, jsonl, json and csv. The files
// *_source.cpp read the data.
#include "csv_source.hpp"
#include "json_source.hpp"
#include "text_source.hpp"

namespace {

// The end of every schema.
const std::string k_provenance = R"("license": {"type": "string", "default": "",
                "description": "SPDX identifier or words, for the report"},
    "source": {"type": "string", "default": "",
               "description": "where the data came from, for the report"}
  },
  "required": ["path"],
  "additionalProperties": false
})";

const std::string k_text_schema = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a file, or a folder of .txt or .jsonl files read in order of name"},
    "format": {"type": "string", "enum": ["auto", "text", "jsonl"], "default": "auto",
               "description": "auto goes by the ending of the name"},
    "records": {"type": "string", "enum": ["document", "paragraph", "line"], "default": "document",
                "description": "what one record of a text is; blank lines separate paragraphs"},
    "keep_blank": {"type": "boolean", "default": false,
                   "description": "of lines: blank ones are records too"},
    "field": {"type": "string", "default": "",
              "description": "of jsonl: the member that becomes the text; empty keeps the objects as they are"},
    )" + k_provenance;

const std::string k_jsonl_schema = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a file, or a folder of .jsonl files read in order of name"},
    "field": {"type": "string", "default": "",
              "description": "the member that becomes the text; empty keeps the objects as they are"},
    )" + k_provenance;

const std::string k_json_schema = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a file, or a folder of .json files read in order of name"},
    "at": {"type": "array", "items": {"type": "string"}, "default": [],
           "description": "names of the lists on the way to the records, such as data, paragraphs, qas; members of the objects on the way go into every record below"},
    )" + k_provenance;

const std::string k_csv_schema = R"({
  "type": "object",
  "properties": {
    "path": {"type": "string",
             "description": "a file, or a folder of .csv files read in order of name"},
    "delimiter": {"type": "string", "default": ",", "description": "one character; a tab reads .tsv"},
    "header": {"type": "boolean", "default": true,
               "description": "the first row names the columns"},
    "columns": {"type": "array", "items": {"type": "string"}, "default": [],
                "description": "names of the columns of a file without a header"},
    "file_field": {"type": "string", "default": "",
                   "description": "a further member that gets the file's name without its ending"},
    )" + k_provenance;

template <class T>
const assay_dataset_vtable k_table = assay_cpp::dataset_table<T>();

template <class T>
assay_component component(const char *id, const char *summary, const std::string &schema) {
  return assay_cpp::component(id, summary, schema.c_str(), k_table<T>);
}

const assay_component k_text = component<text_dataset::text_source>(
    "text", "Text files and JSON lines, checked to be UTF-8", k_text_schema);
const assay_component k_jsonl =
    component<text_dataset::jsonl_source>("jsonl", "JSON lines: one object a line", k_jsonl_schema);
const assay_component k_json = component<text_dataset::json_source>(
    "json", "JSON documents: the objects of a list inside", k_json_schema);
const assay_component k_csv =
    component<text_dataset::csv_source>("csv", "Comma-separated values, all texts", k_csv_schema);
const assay_component *const k_components[] = {&k_text, &k_jsonl, &k_json, &k_csv};

const auto k_plugin = assay_cpp::plugin(
    "org.assay.text", "1.1.0", "Text, JSON and CSV files as datasets", "Apache-2.0", k_components);

}  // namespace

extern "C" const assay_plugin *assay_plugin_v1(const assay_host *) {
  return &k_plugin;
}
