// Saves a quantized model as a folder, through an exporter plugin, which names and
// packs the tensors.
#pragma once

#include <string>

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct save_options {
  // Exporter id, with "-" or "_"; "auto": the first, by id, that can hold the model.
  std::string format = "auto";
  // The exporter's configuration; with "auto", every exporter that is asked must know its keys.
  json config = json::object();
  bool replace = false;              // replace an existing folder
  json provenance = json::object();  // further members of the metadata: versions, threads, command
};

// Asks the exporter whether it can hold the model before any byte is written, then writes beside
// `folder` and renames. Tokenizer files are copied verbatim; README.md is a model card;
// quantization_metadata.json holds the recipe, ledger, versions and counted bits. Returns { format,
// files = [{name, bytes}], bytes, seconds }.
json save(const quantized_model &model, const model::checkpoint &subject, const std::string &folder,
          const save_options &options = {});

// Throws what save() would throw because no exporter can hold the result; call it before
// anything is quantized.
void require_exporter(const recipe &recipe, const model::checkpoint &subject,
                      const save_options &options = {});

// The reasons why `format` cannot hold what `recipe` would make of this subject; empty if it can.
// It needs no weights.
std::vector<std::string> cannot_hold(const recipe &recipe, const model::checkpoint &subject,
                                     const std::string &format,
                                     const json &config = json::object());

}  // namespace assay::quant
