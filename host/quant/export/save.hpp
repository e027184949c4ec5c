// save: a quantized model becomes a folder through an exporter plugin.
// Not a format: what the tensors are called and how they are packed is the exporter's.
#pragma once

#include <string>

#include "checkpoint/checkpoint.hpp"
#include "core/json.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct save_options {
  // Exporter id, "-" and "_" alike; "auto": the first, by id, that can hold the model.
  std::string format = "auto";
  json config = json::
      object();  // the exporter's configuration; with "auto", all that are asked must know its keys
  bool replace = false;              // replace an existing folder
  json provenance = json::object();  // further members of the metadata: versions, threads, command
};

// Asks the exporter whether it can hold the model before any byte is written; then writes beside
// `folder` and renames. Tokenizer files are carried over verbatim; README.md is a model card;
// quantization_metadata.json holds the recipe, ledger, versions and counted bits. Returns { format,
// files = [{name, bytes}], bytes, seconds }.
json save(const quantized_model &model, const model::checkpoint &subject, const std::string &folder,
          const save_options &options = {});

// Throws what save() would throw for want of an exporter, before anything is quantized. Costs nothing.
void require_exporter(const recipe &what, const model::checkpoint &subject,
                      const save_options &options = {});

// The reasons why `format` cannot hold what `what` would make of this subject; empty if it can.
// Costs nothing: for plan time.
std::vector<std::string> cannot_hold(const recipe &what, const model::checkpoint &subject,
                                     const std::string &format,
                                     const json &config = json::object());

}  // namespace assay::quant
