// Holds one answer while it is generated: chooses each token and decides when the answer ends.
// generate.cpp runs many answers through the model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/generate.hpp"
#include "engine/sampler.hpp"

namespace assay::engine {

class answer {
 public:
  // options, eos: borrowed; they must outlive the answer. eos: ids that end an answer. index: the
  // prompt's place in the batch, which decides the seed.
  answer(const generate_options &options, const std::vector<int64_t> &eos, size_t index,
         const std::vector<int64_t> &prompt, int64_t max_tokens);

  // Chooses the next token from a row of logits, fp32 [vocab] on the CPU.
  void advance(const at::Tensor &logits);
  bool done() const { return !out_.finish.empty(); }
  int64_t last() const { return out_.ids.back(); }
  int64_t tokens() const { return static_cast<int64_t>(out_.ids.size()); }
  generation take();  // decodes the text and gives the result away; call it once

 private:
  void look_for_stops();
  void tell(const sampler::choice &choice, const at::Tensor &logits);

  const generate_options &options_;
  const std::vector<int64_t> &eos_;
  int64_t index_, max_tokens_;
  size_t longest_stop_ = 0;  // bytes
  sampler choose_;
  generation out_;
};

}  // namespace assay::engine
