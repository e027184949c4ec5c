// Runs one block with candidate weights on its calibration inputs (assay.block/1): returns the
// distance of its output from the float output, and the gradient of this distance. The plugin
// chooses the candidates.
#pragma once

#include <assay.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "calibration/calibration_stream.hpp"

namespace assay::quant {

// Calibration sequences of one length on their way through the model.
struct runner_chunk {
  at::Tensor h;        // [rows, tokens, hidden] input of the block
  at::Tensor target;   // [rows, tokens, hidden] float output; undefined: of `before` on h
  at::Tensor counted;  // [n] int64 into rows*tokens; undefined = all
};

struct runner_source {
  std::function<model::decoder_block()> now;  // the block whose weights a trial replaces
  model::decoder_block before;                // the float block, which gives targets
  std::vector<runner_chunk> chunks;
  // The context of a forward pass with so many rows of so many tokens.
  std::function<model::forward_context(int64_t rows, int64_t tokens)> context;
  // Rounds a weight as the recipe's quantizer does; empty: fake_quantize is refused.
  std::function<at::Tensor(const std::string &linear, const at::Tensor &weight)> fake_quantize;
};

// Makes a source from the streams of a pass at the start of `block`; a trial copies the block as it
// is at that time. Targets come from the second stream where there is one (float_model: its model),
// else from the block as it is now.
runner_source source_of(const model::decoder &decoder, const model::decoder_block &block,
                        const std::vector<calibration_stream> &streams,
                        const model::decoder *float_model = nullptr);

// The handle of an assay_block is the address of this object, which must outlive the
// plugin's call. Single-threaded.
class block_runner {
 public:
  explicit block_runner(runner_source source);
  block_runner(const block_runner &) = delete;
  const void *handle() const { return this; }

  int64_t n_sequences() const { return static_cast<int64_t>(places_.size()); }
  // The mean square distance over counted tokens and channels. gradients: null, or one tensor for
  // each weight of the trial, which is overwritten.
  double loss(const assay_block &block, const assay_trial &trial,
              const assay_tensor *const *gradients);
  at::Tensor fake_quantize(const std::string &linear, const at::Tensor &weight) const;

 private:
  struct place {
    size_t chunk;
    int64_t row;
  };
  struct piece;  // rows of one chunk that run together
  std::vector<piece> pieces_of(const assay_trial &trial) const;
  at::Tensor target_of(const piece &p, uint32_t scope, bool attention);
  at::Tensor input_of(const piece &p, uint32_t scope, bool attention);

  runner_source source_;
  std::vector<place> places_;  // by sequence
  // Computed on first use, by chunk: the block's middle (the input of the MLP) and the
  // targets of parents.
  std::map<size_t, at::Tensor> middle_, attention_target_, mlp_target_;
};

const assay_block_runner &block_runner_table();  // assay.block/1

}  // namespace assay::quant
