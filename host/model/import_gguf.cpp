// Reads a GGUF file and writes its model as a Hugging Face folder with a model card.
#include "model/import_gguf.hpp"

#include <algorithm>
#include <filesystem>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/in_progress.hpp"
#include "model/device.hpp"
#include "model/required_tensors.hpp"

namespace assay::model {
namespace {

std::string or_unknown(const std::string &text) {
  return text.empty() ? "not stated in the file" : text;
}

// Returns the text of the model card. If the GGUF file has quantized weights, the card warns below its
// title that the weights of the folder are not the original ones.
std::string model_card(const checkpoint &source, at::ScalarType dtype) {
  const json &provenance = source.config().at("assay_provenance");
  const std::string license = provenance.value("license", ""), note = source.provenance_note();
  std::string card = "---\n";
  if (!license.empty()) card += "license: " + license + "\n";
  card += "library_name: transformers\ntags:\n- converted-from-gguf\n---\n\n";
  card += "# " + or_unknown(provenance.value("name", "")) + ", converted from GGUF\n\n";
  if (!note.empty())
    card += "> **These are not the original weights**, which the GGUF file does not hold:\n> " +
            note + ".\n> A comparison that takes this folder for the original model is wrong.\n\n";
  card += "| | |\n|---|---|\n| source file | `" + provenance.value("source", "") +
          "` |\n| licence | " + or_unknown(license) + " |\n| stored as | " + dtype_name(dtype) +
          " |\n";
  for (const auto &[format, count] : provenance.at("formats").items())
    card += "| matrices in " + format + " | " + count.dump() + " |\n";
  card +=
      "\nRows of the query and key projections are back in the order of Hugging Face (llama.cpp "
      "permutes them for the\n"
      "llama architecture). `config.json` repeats the origin under `assay_provenance`. Written by "
      "`assay import`.\n";
  return card;
}

}  // namespace

void import_gguf(const std::string &gguf_path, const std::string &out_folder, at::ScalarType dtype,
                 bool replace) {
  if (dtype != at::kFloat && dtype != at::kBFloat16 && dtype != at::kHalf)
    throw error(error_kind::usage, "a checkpoint is written in float32, bfloat16 or float16");
  const auto source = checkpoint::open(gguf_path);
  if (!source->is_gguf())
    throw error(error_kind::usage, "the model is a folder already").at(gguf_path);
  require_tensors(read_decoder_config(*source), *source);
  folder_in_progress folder(out_folder, replace);
  const std::filesystem::path root(folder.path());
  const auto put = [&](const std::string &name, const std::string &text) {
    write_file_atomically((root / name).string(), text);
  };
  json config = source->config();
  config["dtype"] = config["torch_dtype"] = dtype_name(dtype);
  put("config.json", json_text(config, 2) + "\n");
  for (const auto &[name, file] : source->read_tokenizer().files) put(name, file.bytes);
  put("generation_config.json", json_text(source->generation_config(), 2) + "\n");
  put("README.md", model_card(*source, dtype));
  named_tensors tensors;
  for (const tensor_info &info : source->tensors().tensors())
    tensors.emplace_back(info.name, source->tensors().tensor_as(info.name, dtype));
  write_safetensors_folder(root.string(), tensors);
  folder.commit();
}

}  // namespace assay::model
