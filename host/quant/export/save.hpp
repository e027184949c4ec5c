// Saves a quantized model as a folder. An exporter plugin names and packs the tensors
// and writes their files.
#pragma once

#include <string>

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct save_options {
  // The id of an exporter, with "-" or "_". "auto": the first exporter, by id, whose format can hold the
  // model. Exporters whose facts say "auto": false are not tried.
  std::string format = "auto";
  // The exporter's configuration. With "auto", each exporter that is tried gets this configuration and
  // must know all of its keys.
  json config = json::object();
  bool replace = false;              // replace an existing folder
  json provenance = json::object();  // further members of the metadata: versions, threads, command
  std::string card;  // Markdown that README.md ends with, such as how to load the folder
};

// Asks the exporter whether its format can hold the model before any byte is written. Then writes into a
// temporary folder beside `folder` and renames it at the end. Tokenizer files are copied unchanged;
// README.md is a model card; quantization_metadata.json holds the recipe, ledger, versions and
// counted bits. Returns { format, files = [{name, bytes}], bytes, seconds, ledger }, where the ledger
// has what the exporter reported. Throws error(usage) if no exporter can hold the model.
json save(const quantized_model &model, const model::checkpoint &subject, const std::string &folder,
          const save_options &options = {});

// Says what save() would write: { exporter, items = [{ bits, group_size, symmetric, format }, ...],
// scheme = { activation, kv } }, where items has each kind of quantized linear once. Throws the error of
// save() if no exporter can hold the model. The overload for a recipe needs no weights: it can be called
// before anything is quantized.
json planned_export(const recipe &recipe, const model::checkpoint &subject,
                    const save_options &options = {});
json planned_export(const quantized_model &model, const model::checkpoint &subject,
                    const save_options &options = {});

// Returns the reasons why `format` cannot hold what `recipe` would make of this subject; empty if it
// can. The function needs no weights.
std::vector<std::string> cannot_hold(const recipe &recipe, const model::checkpoint &subject,
                                     const std::string &format,
                                     const json &config = json::object());

}  // namespace assay::quant
