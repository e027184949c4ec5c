// Chunks of calibration sequences on their way through the blocks: how they are cut, how one moves
// from stop to stop, how it is halved when memory runs short. No statistics (statistics.hpp).
#pragma once

#include "calibration/calibration.hpp"
#include "calibration/stage_file.hpp"
#include "model/decoder.hpp"

namespace assay::quant {

// What a chunk is: rows of equal length, with the positions that are counted.
struct calibration_chunk {
  at::Tensor ids;      // [rows, tokens] int64
  at::Tensor counted;  // [counted] int64 indices into rows*tokens; undefined = all
};
std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens);
// At most `limit` one-token rows: distinct ids of the calibration, evenly spaced over their sorted
// list.
calibration_chunk make_sink_chunk(const calibration &data, int64_t limit = 512);

// Copies share tensors; a step makes a new stream, so that one which fails leaves the old one.
struct calibration_stream {
  model::forward_context context;
  at::Tensor counted;   // as in the chunk
  at::Tensor h, stage;  // [rows, tokens, ..] residual stream; input of the linears here
  at::Tensor h_float,
      stage_float;  // the same in the float model; undefined without a second stream
  bool sink = false;
  int64_t first = 0;  // of its tokens, among those of all streams: its place in a stage_file

  int64_t rows() const { return h.size(0); }
  // The stream at `group` of a block, from the stop before it (or the block's start).
  calibration_stream to_stop(model::linear_group group, const model::decoder_block &block,
                             const model::decoder_block *block_float) const;
  // The stream at the next block's start, from the block's last stop.
  calibration_stream after(const model::decoder_block &block,
                           const model::decoder_block *block_float) const;
  // ... from the block's start.
  calibration_stream across(const model::decoder_block &block,
                            const model::decoder_block *block_float) const;
  std::pair<calibration_stream, calibration_stream> halves(const model::decoder &model) const;
  at::Tensor counted_rows(const at::Tensor &x) const;  // [counted, width]

  // Without its stages, which lie in the file from now on, or which the block's norm makes again.
  // tokens: of all streams.
  void lay_down(model::linear_group at, stage_file &file, int64_t tokens);
  // With them, bit for bit.
  void take_up(model::linear_group at, const model::decoder_block &block,
               const model::decoder_block *block_float, const stage_file &file, int64_t tokens);
};

calibration_stream make_stream(const model::decoder &model, const calibration_chunk &chunk,
                               bool with_float, bool sink);

// True if what is being handled (call it in a catch block) says that memory ran out.
bool ran_out_of_memory() noexcept;

}  // namespace assay::quant
