// Runs one block with candidate weights on its calibration inputs. It computes the distance of the
// block's output from the float output (the loss), and the gradient of the loss. The plugin chooses the
// candidates and calls these functions through the extension assay.block/1 (plugin_api/assay/block.h).
#pragma once

#include <assay.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "calibration/calibration_stream.hpp"

namespace assay::quant {

// Calibration sequences of one length at the start of a block.
struct runner_chunk {
  at::Tensor h;        // [rows, tokens, hidden] input of the block
  at::Tensor target;   // [rows, tokens, hidden] float output; undefined = the float block gives it
  at::Tensor counted;  // [n] int64, places of counted tokens in rows*tokens; undefined = all
};

struct runner_source {
  std::function<model::decoder_block()> now;  // a copy of the block, for a trial to change
  model::decoder_block before;                // the float block, whose output is the target
  std::vector<runner_chunk> chunks;
  // Makes the context of a forward pass with `rows` sequences of `tokens` tokens.
  std::function<model::forward_context(int64_t rows, int64_t tokens)> context;
  // Quantizes a weight with the recipe's quantizer and dequantizes it. Empty = fake_quantize is
  // refused, because there is no quantizer.
  std::function<at::Tensor(const std::string &linear, const at::Tensor &weight)> fake_quantize;
};

// Makes a source from the streams of a calibration pass at the start of `block`. decoder and
// block are borrowed; each trial copies the block as it is at that time. If the streams also carry the
// float model's states (h_float), the targets are the outputs of float_model's block on these;
// otherwise they are the outputs of the block as it is now.
runner_source source_of(const model::decoder &decoder, const model::decoder_block &block,
                        const std::vector<calibration_stream> &streams,
                        const model::decoder *float_model = nullptr);

// Runs the trials of one block. The handle of an assay_block is the address of this object, which
// must outlive the plugin's call. Use it from one thread at a time.
class block_runner {
 public:
  explicit block_runner(runner_source source);
  block_runner(const block_runner &) = delete;
  const void *handle() const { return this; }

  int64_t n_sequences() const { return static_cast<int64_t>(places_.size()); }
  // Returns the mean square distance over counted tokens and channels. gradients: null, or one
  // tensor for each weight of the trial, which is overwritten. Throws error(usage) for a trial that
  // names a linear, norm, group or sequence which the block does not have.
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
  // By chunk, computed on first use: the residual stream in the middle of the block, before the
  // MLP's norm; and the float outputs of attention and of the MLP.
  std::map<size_t, at::Tensor> middle_, attention_target_, mlp_target_;
};

const assay_block_runner &block_runner_table();  // assay.block/1

}  // namespace assay::quant
