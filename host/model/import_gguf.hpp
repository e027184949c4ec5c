// Turns a GGUF file into a Hugging Face folder. Quantized weights are dequantized, and the folder's
// model card (README.md) says so.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// Writes safetensors (dtype float32, bfloat16 or float16), config.json, tokenizer files,
// generation_config.json and README.md. The folder gets its name only when it is complete. Throws
// an error if the folder exists and `replace` is false, if a tensor is missing, and if the model
// is not supported.
void import_gguf(const std::string &gguf_path, const std::string &out_folder,
                 at::ScalarType dtype = at::kFloat, bool replace = false);

}  // namespace assay::model
