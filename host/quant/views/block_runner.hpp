// The host's side of assay.block/1: one block with its calibration inputs, run with candidate
// weights; the distance of its output from the float one, and that distance's gradient. Not a
// search: which candidates are tried is the plugin's.
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
  model::decoder_block before;                // the float block: what y_float comes from
  std::vector<runner_chunk> chunks;
  // What all blocks share, for so many rows of so many tokens.
  std::function<model::forward_context(int64_t rows, int64_t tokens)> context;
  // What the recipe's quantizer makes of a weight; empty: fake_quantize is refused.
  std::function<at::Tensor(const std::string &layer, const at::Tensor &weight)> fake_quantize;
};

// The chunks of a pass that stands at the start of `block`, which a trial copies as it is then. Targets come from the
// second stream where there is one (reference: its model), else from the block as it is now.
runner_source source_of(const model::decoder &decoder, const model::decoder_block &block,
                        const std::vector<calibration_stream> &streams,
                        const model::decoder *reference = nullptr);

// Its address is the handle of an assay_block. Single-threaded; outlives the plugin's call.
class block_runner {
 public:
  explicit block_runner(runner_source source);
  block_runner(const block_runner &) = delete;
  const void *handle() const { return this; }

  int64_t n_sequences() const { return static_cast<int64_t>(places_.size()); }
  // Mean square distance over counted tokens and channels. gradients: null, or one tensor for each
  // of the trial's weights, overwritten.
  double loss(const assay_block &block, const assay_trial &trial,
              const assay_tensor *const *gradients);
  at::Tensor fake_quantize(const std::string &layer, const at::Tensor &weight) const;

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
  // Made when first asked for, by chunk: the block's middle (input of the MLP), parents' targets.
  std::map<size_t, at::Tensor> middle_, attention_target_, mlp_target_;
};

const assay_block_runner &block_runner_table();  // assay.block/1

}  // namespace assay::quant
