// The calibration pass: runs the calibration sequences through the model block by block and stops
// at every distinct linear input. Not a quantizer: what happens at a stop is the visitor's.
//
//   per block:  norm1 ─► [visit qkv] ─► attention ─► [visit o] ─► norm2 ─► [visit gate_up] ─►
//   [visit down] ─► next
//
// A visitor that replaces weights in `live` makes later stops see quantized predecessors, at the
// cost of one forward (performance.md 2.3, trick 4).
#pragma once

#include <functional>

#include "core/progress.hpp"
#include "model/decoder.hpp"
#include "quant/calibration.hpp"
#include "quant/statistics.hpp"

namespace assay::quant {

struct calibration_stop {
  int64_t block = 0;
  model::linear_group group = model::linear_group::qkv;
  std::vector<model::linear_op *> linears;  // of `live`, sharing this input; borrow
  input_statistics statistics;
  input_statistics sink;  // of position 0 alone; empty unless asked for
  int64_t n_non_finite = 0;
};

struct calibrate_options {
  statistics_needs needs;
  bool sink = false;            // also accumulate the Hessian of position 0 (one-token sequences)
  int64_t chunk_tokens = 4096;  // tokens per forward; bounds memory, sequences are never cut
  progress_fn progress;         // in stops
  // Which stops are wanted (block, group); statistics of others are not accumulated. Empty = all.
  std::function<bool(int64_t block, model::linear_group group)> wanted;
};

// Runs on copies of blocks taken from `live` as it stands when the block is reached. Deterministic:
// chunks are made of whole sequences of equal length in a fixed order. Throws error(cancelled)
// within one chunk of Ctrl-C. Returns facts for the metadata: { chunks, tokens, counted_tokens,
// sink_tokens, seconds, forward_seconds, statistics_seconds }.
json calibrate(model::decoder &live, const calibration &data, const calibrate_options &options,
               const std::function<void(calibration_stop &)> &visit);

// What a chunk is: rows of equal length, with the positions that are counted.
struct calibration_chunk {
  at::Tensor ids;      // [rows, tokens] int64
  at::Tensor counted;  // [counted] int64 indices into rows*tokens; undefined = all
};
std::vector<calibration_chunk> make_chunks(const calibration &data, int64_t chunk_tokens);
// At most `limit` one-token rows: distinct ids of the calibration, evenly spaced over their sorted
// list.
calibration_chunk make_sink_chunk(const calibration &data, int64_t limit = 512);

}  // namespace assay::quant
