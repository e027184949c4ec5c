// Runs calibration sequences through a model block by block, and stops at every distinct input of
// linears. What happens at a stop is the visitor's work.
//
//   per block:  norm1 ─► [qkv] ─► attention ─► [o] ─► norm2 ─► [gate_up] ─► [down] ─► next block
//               [..] = a stop: the visitor receives the statistics of this input
//
// A visitor may replace weights of the model; later stops then see inputs that come from the
// replaced weights, at no cost beyond the one forward pass. With a second stream every sequence
// also runs through the float model, and statistics may pair the two inputs. A block can also be
// visited as a whole: once, with its inputs and the statistics of all four stops; this costs a
// second forward pass of the block.
#pragma once

#include <functional>
#include <map>

#include "calibration/calibration_stream.hpp"
#include "calibration/statistics.hpp"
#include "core/progress.hpp"

namespace assay::quant {

struct calibration_stop {
  int64_t block = 0;  // -1: the head
  model::linear_group group = model::linear_group::qkv;
  std::vector<model::linear_op *> linears;  // of `live`, sharing this input; borrow
  input_statistics statistics;
  input_statistics first_token;  // of tokens at position 0 alone; empty unless asked for
};

// A block before anything in it was changed.
struct calibration_block {
  int64_t block = 0;
  std::map<model::linear_group, calibration_stop> stops;
  // At the block's start; streams of first tokens are left out. Tensors are shared.
  std::vector<calibration_stream> streams;
};

struct calibrate_options {
  statistics_needs needs;
  bool first_token = false;     // also take the Hessian of position 0, from one-token sequences
  int64_t chunk_tokens = 2048;  // tokens per forward; bounds memory, sequences are never cut
  progress_fn progress;         // in stops
  // True for the stops whose statistics are accumulated. Empty = all stops of blocks. The head,
  // (-1, head), is a stop only where this is true for it.
  std::function<bool(int64_t block, model::linear_group group)> wanted;
  // The model of the second stream; borrow, null = there is none.
  const model::decoder *float_model = nullptr;
  // True for blocks that visit_block receives instead of the visitor of stops. Empty = none.
  std::function<bool(int64_t block)> whole;
  std::function<void(calibration_block &)> visit_block;
  // The folder of the file that holds the inputs at a stop; "" = they stay in memory, as they
  // always do on devices other than the CPU.
  std::string activation_folder;
  std::function<void(int64_t block)> block_begins;  // the block's weights are in memory from now on
  std::function<void(int64_t block)> block_done;    // nothing of the block will change any more
  std::function<void(const std::string &where, int64_t rows)> smaller_chunks;  // memory ran short
};

// Reads each block of `live` when the pass reaches it. Deterministic: chunks are made of whole
// sequences of equal length in a fixed order. Throws error(cancelled) within one chunk of Ctrl-C,
// error(failed) naming the linear whose input is not finite, and error(failed) where memory did not
// suffice for a single sequence. Returns facts for the metadata: { chunks, tokens, counted_tokens,
// sink_tokens = one-token sequences, rank, threads, seconds, forward_seconds, statistics_seconds,
// and stage_cpu_seconds where a file held the inputs }.
json calibrate(model::decoder &live, const calibration &data, const calibrate_options &options,
               const std::function<void(calibration_stop &)> &visit);

}  // namespace assay::quant
