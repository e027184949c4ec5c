// Makes chunks of calibration sequences, moves a chunk from stop to stop through the blocks, and halves
// it when memory runs short. A stop is an input of linears (calibrate.hpp). The residual stream is the
// hidden states to which each block adds its outputs.
#pragma once

#include <memory>

#include "calibration/activation_file.hpp"
#include "calibration/calibration.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Sequences of equal length that run together, as the rows of one tensor.
struct calibration_chunk {
  at::Tensor ids;      // [rows, tokens] int64
  at::Tensor counted;  // [n] int64: places of counted tokens in rows*tokens; undefined = all
};
// Chunks of at most chunk_tokens tokens, but at least one sequence.
std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens);
// A chunk of at most `limit` sequences of one token: distinct ids of the calibration, evenly spaced in
// their sorted list.
calibration_chunk make_first_token_chunk(const calibration &data, int64_t limit = 512);

// The state of a chunk at one point of the model. Copies share tensors. Each step returns a new stream,
// so that a step that fails leaves the old stream as it was.
struct calibration_stream {
  model::forward_context context;
  at::Tensor counted;   // as in the chunk
  at::Tensor h, input;  // [rows, tokens, ..]: residual stream; input of the linears at this stop
  // The same in the float model; undefined without a second stream.
  at::Tensor h_float, input_float;
  bool first_token = false;  // made by make_first_token_chunk
  // The tokens of each expert of the block, after route(); null at other stops.
  std::shared_ptr<const std::vector<model::routed_tokens>> routed;
  int64_t first = 0;  // place of the chunk's first token among the tokens of all streams

  int64_t rows() const { return h.size(0); }
  // Returns the stream at the stop `group`. This stream must be at the stop before `group`; for the
  // first stop (qkv), at the block's start.
  calibration_stream to_stop(model::linear_group group, const model::decoder_block &block,
                             const model::decoder_block *block_float) const;
  // Returns the stream with its tokens given to the block's experts. This stream must be at the stop gate_up.
  calibration_stream route(const model::decoder_block &block) const;
  // Returns the stream at the next block's start. This stream must be at the block's last stop; in a block with experts, at the stop
  // gate_up, because its experts are run again, with the weights that they have now.
  calibration_stream after(const model::decoder_block &block,
                           const model::decoder_block *block_float) const;
  // Returns the stream at the next block's start. This stream must be at the block's start.
  calibration_stream across(const model::decoder_block &block,
                            const model::decoder_block *block_float) const;
  // Two streams with the first and the second half of the rows.
  std::pair<calibration_stream, calibration_stream> halves(const model::decoder &model) const;
  // The rows of x [rows, tokens, width] that belong to counted tokens: [n, width].
  at::Tensor counted_rows(const at::Tensor &x) const;

  // Frees the inputs at stop `at`. They are written to the file, or only dropped if they are the output
  // of a norm, which can be computed again. tokens: the number of tokens of all streams.
  void spill(model::linear_group at, activation_file &file, int64_t tokens);
  // Brings back what spill() freed, bit for bit.
  void restore(model::linear_group at, const model::decoder_block &block,
               const model::decoder_block *block_float, const activation_file &file,
               int64_t tokens);
};

// The stream of a chunk at the start of the first block. with_float: with a second stream.
calibration_stream make_stream(const model::decoder &model, const calibration_chunk &chunk,
                               bool with_float, bool first_token);

// Call it in a catch block: true if the caught exception says that memory ran out.
bool ran_out_of_memory() noexcept;

}  // namespace assay::quant
