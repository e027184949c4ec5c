// Turns a GGUF file into a Hugging Face folder. Block formats are dequantized, and the model
// card says so.
#pragma once

#include <string>

#include "aten.hpp"

namespace assay::model {

// Writes safetensors (dtype float32, bfloat16 or float16), config.json, tokenizer files,
// generation_config.json and README.md. The folder gets its name only when it is complete. Throws
// if it exists and replace is false.
void import_gguf(const std::string &gguf_path, const std::string &out_folder,
                 at::ScalarType dtype = at::kFloat, bool replace = false);

}  // namespace assay::model
