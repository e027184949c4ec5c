// Moves chunks of calibration sequences through the blocks: how sequences are cut into chunks, how
// a chunk moves from stop to stop, and how it is halved when memory runs short.
#pragma once

#include "calibration/activation_file.hpp"
#include "calibration/calibration.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// Sequences of equal length that run together.
struct calibration_chunk {
  at::Tensor ids;      // [rows, tokens] int64
  at::Tensor counted;  // [counted] int64 indices into rows*tokens; undefined = all
};
std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens);
// At most `limit` one-token rows: distinct ids of the calibration, evenly spaced in
// their sorted list.
calibration_chunk make_first_token_chunk(const calibration &data, int64_t limit = 512);

// A chunk on its way through the model. Copies share tensors; each step returns a new stream, so
// that a step which fails leaves the old stream as it was.
struct calibration_stream {
  model::forward_context context;
  at::Tensor counted;   // as in the chunk
  at::Tensor h, input;  // [rows, tokens, ..] residual stream; input of the linears here
  // The same in the float model; undefined without a second stream.
  at::Tensor h_float, input_float;
  bool first_token = false;  // made by make_first_token_chunk
  int64_t first = 0;         // place of its first token among those of all streams

  int64_t rows() const { return h.size(0); }
  // The stream at `group` of a block, from the stop before it or from the block's start.
  calibration_stream to_stop(model::linear_group group, const model::decoder_block &block,
                             const model::decoder_block *block_float) const;
  // The stream at the next block's start, from this block's last stop.
  calibration_stream after(const model::decoder_block &block,
                           const model::decoder_block *block_float) const;
  // The stream at the next block's start, from this block's start.
  calibration_stream across(const model::decoder_block &block,
                            const model::decoder_block *block_float) const;
  std::pair<calibration_stream, calibration_stream> halves(const model::decoder &model) const;
  at::Tensor counted_rows(const at::Tensor &x) const;  // [counted, width]

  // Frees the inputs at stop `at`: they are written to the file, or, where a norm makes them from
  // the residual stream, dropped. tokens: of all streams.
  void spill(model::linear_group at, activation_file &file, int64_t tokens);
  // Brings back what spill() freed, bit for bit.
  void restore(model::linear_group at, const model::decoder_block &block,
               const model::decoder_block *block_float, const activation_file &file,
               int64_t tokens);
};

calibration_stream make_stream(const model::decoder &model, const calibration_chunk &chunk,
                               bool with_float, bool first_token);

// Call it in a catch block: true if the exception in flight says that memory ran out.
bool ran_out_of_memory() noexcept;

}  // namespace assay::quant
