// Opens a model on disk: a Hugging Face folder or a GGUF file, with one interface. What a file
// holds is learned from its content, never from its path.
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
  // Opens a folder with config.json and *.safetensors, a LoRA adapter over its base, a folder of the
  // hub's cache, or FILE.gguf (of a split one the first part). Throws error(failed) saying what is missing.
  static std::shared_ptr<checkpoint> open(const std::string &path);
  virtual ~checkpoint() = default;

  const std::string &path() const { return path_; }
  const std::string &name() const { return name_; }  // last part of the path, for reports
  const json &config() const { return config_; }  // config.json; made from metadata for a GGUF file
  virtual bool is_gguf() const = 0;
  // The files of the tokenizer as text/tokenizer takes them; of a GGUF file those that its metadata
  // describes. Throws error(failed) for a damaged file and for metadata that no such file can express.
  virtual tokenizer_files read_tokenizer() const = 0;
  virtual json chat_templates() const = 0;     // name -> Jinja text, without reading the tokenizer
  virtual json generation_config() const = 0;  // null if there is none
  // Ids that end an answer: those of generation_config.json alone if there is one, whatever it leaves
  // out, else those of config.json (transformers, generation/utils.py, adjust_generation_fn).
  std::vector<int64_t> eos_ids() const;
  // A note that every report must repeat, such as "weights were dequantized from Q4_1 (4-bit groups
  // of 32)"; "" if there is none.
  std::string provenance_note() const;

  // Float tensors under Hugging Face names; a quantized linear is given as
  // the dequantized "X.weight".
  const tensor_source &tensors() const { return *tensors_; }
  // The tensors as they are stored (codes, scales and others of a quantized folder; GGUF tensors
  // dequantized, with rows in Hugging Face's order).
  const tensor_source &raw_tensors() const { return *raw_; }
  // "none", "compressed-tensors", "gptq", "awq" or "gguf", by the metadata.
  const std::string &quant_method() const { return quant_method_; }
  // SHA-256 over config, names, shapes, dtypes and bytes of all stored tensors. Reads everything
  // once and remembers the result.
  const std::string &fingerprint() const;

 protected:
  std::string path_, name_, quant_method_ = "none";
  json config_;
  std::shared_ptr<const tensor_source> tensors_, raw_;

 private:
  mutable std::string fingerprint_;
};

}  // namespace assay::model
