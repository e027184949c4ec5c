// A subject on disk, opened: a Hugging Face folder or a GGUF file behind one face.
// Not a model that can run (model/decoder), and nothing here looks at the path to learn what a file
// holds.
#pragma once

#include <memory>
#include <string>

#include "checkpoint/tensor_source.hpp"
#include "core/json.hpp"

namespace assay::model {

class checkpoint {
 public:
  // A folder with config.json and *.safetensors, or FILE.gguf. Throws error(failed) saying what is
  // missing.
  static std::shared_ptr<checkpoint> open(const std::string &path);
  virtual ~checkpoint() = default;

  const std::string &path() const { return path_; }
  const std::string &name() const { return name_; }  // last part of the path, for reports
  const json &config() const { return config_; }     // config.json (synthesised for a GGUF)
  virtual bool is_gguf() const = 0;
  virtual std::string tokenizer_json() const = 0;  // text; throws error(failed) if there is none
  virtual std::string tokenizer_config_json() const = 0;  // text, "" if absent
  virtual std::string chat_template() const = 0;          // Jinja text, "" if absent
  virtual json generation_config() const = 0;             // {} if absent
  // What a report must repeat, e.g. "weights were dequantized from Q4_1 (4-bit groups of 32)"; ""
  // if nothing.
  std::string provenance_note() const;

  // Float tensors under Hugging Face names; quantized forms appear as the dequantized "X.weight".
  const tensor_source &tensors() const { return *tensors_; }
  // The tensors as they are stored (codes, scales, ... of a quantized folder; GGUF rows un-permuted
  // and dequantized).
  const tensor_source &raw_tensors() const { return *raw_; }
  // "none", "compressed-tensors", "gptq", "awq", "gguf": what the metadata says, never the path.
  const std::string &quant_method() const { return quant_method_; }
  // SHA-256 over config, names, shapes, dtypes and bytes of all stored tensors. Reads everything
  // once; kept.
  const std::string &fingerprint() const;

 protected:
  std::string path_, name_, quant_method_ = "none";
  json config_;
  std::shared_ptr<const tensor_source> tensors_, raw_;

 private:
  mutable std::string fingerprint_;
};

}  // namespace assay::model
