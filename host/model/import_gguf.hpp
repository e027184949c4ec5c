// Turns a GGUF file into a normal Hugging Face folder with an honest model card.
// Not a quantizer: block formats are dequantized, and the card says so.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// Writes safetensors (dtype float32, bfloat16 or float16), config.json, tokenizer files,
// generation_config.json and README.md. Appears under its final name only when complete. Throws if
// the folder exists and replace is false.
void import_gguf(const std::string &gguf_path, const std::string &out_folder,
                 at::ScalarType dtype = at::kFloat, bool replace = false);

}  // namespace assay::model
