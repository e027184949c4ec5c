// Opens a model on disk, a Hugging Face folder or a GGUF file, with one interface for both. The
// content of a file decides what it is, never its name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"
#include "core/tokenizer_files.hpp"

namespace assay::model {

class checkpoint {
 public:
  // Opens a folder with config.json and *.safetensors, a LoRA adapter together with its base model,
  // a folder of the Hugging Face hub's cache, or a GGUF file (the first part if it is split).
  // Throws error(failed) that says what is missing or not supported.
  static std::shared_ptr<checkpoint> open(const std::string &path);
  virtual ~checkpoint() = default;

  const std::string &path() const { return path_; }
  const std::string &name() const { return name_; }  // made from the path, for reports
  const json &config() const { return config_; }     // config.json; for GGUF made from its metadata
  virtual bool is_gguf() const = 0;
  // Returns the tokenizer's files, as text/tokenizer takes them. For a GGUF file they are made
  // from its metadata. Throws error(failed) for a damaged file and for metadata that such
  // files cannot express.
  virtual tokenizer_files read_tokenizer() const = 0;
  virtual json chat_templates() const = 0;     // name -> Jinja text; does not read the tokenizer
  virtual json generation_config() const = 0;  // null if there is none
  // Returns the token ids that end an answer. If there is a generation_config.json,
  // it alone decides, even if it names none; otherwise config.json does
  // (transformers, generation/utils.py, adjust_generation_fn).
  std::vector<int64_t> eos_ids() const;
  // Returns a note on the origin of the weights; "" if there is none. Every report must repeat the note. Example:
  // "weights dequantized from Q4_1 (4-bit groups of 32, 210 matrices); not the original weights".
  std::string provenance_note() const;

  // The float tensors under Hugging Face names. A quantized linear, which is one weight matrix,
  // appears as the dequantized tensor "X.weight".
  const tensor_source &tensors() const { return *tensors_; }
  // The tensors as they are stored: for a quantized folder the integer codes, scales and other
  // parts. For every other model they are the same as tensors().
  const tensor_source &raw_tensors() const { return *raw_; }
  // How the weights are stored: "none", "compressed-tensors", "gptq", "awq" or "gguf".
  const std::string &quant_method() const { return quant_method_; }
  // SHA-256 over the config and over names, shapes, dtypes and bytes of raw_tensors(). The first
  // call reads every tensor; the result is kept.
  const std::string &fingerprint() const;

 protected:
  std::string path_, name_, quant_method_ = "none";
  json config_;
  std::shared_ptr<const tensor_source> tensors_, raw_;

 private:
  mutable std::string fingerprint_;
};

}  // namespace assay::model
