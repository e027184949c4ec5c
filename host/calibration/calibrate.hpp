// The calibration pass: runs the calibration sequences through the model block by block and stops
// at every distinct linear input. Not a quantizer: what happens at a stop is the visitor's.
//
//   per block:  norm1 ─► [visit qkv] ─► attention ─► [visit o] ─► norm2 ─► [visit gate_up] ─►
//   [visit down] ─► next
//
// A visitor that replaces weights in `live` makes later stops see quantized predecessors, at the
// cost of one forward (performance.md 2.3, trick 4). With a `reference` every sequence runs through
// it too, and statistics may pair the two inputs. A block may also be visited as a whole: once, with
// its inputs and all four statistics; that costs a second forward of the block.
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
  input_statistics sink;  // of position 0 alone; empty unless asked for
};

// A block before anything in it was changed.
struct calibration_block {
  int64_t block = 0;
  std::map<model::linear_group, calibration_stop> stops;
  std::vector<calibration_stream> streams;  // at the block's start, the sink's left out; shared
};

struct calibrate_options {
  statistics_needs needs;
  bool sink = false;            // also accumulate the Hessian of position 0 (one-token sequences)
  int64_t chunk_tokens = 2048;  // tokens per forward; bounds memory, sequences are never cut
  progress_fn progress;         // in stops
  // Which stops are wanted (block, group); statistics of others are not accumulated. Empty = all
  // of the blocks. The head, (-1, head), is a stop only where this says so.
  std::function<bool(int64_t block, model::linear_group group)> wanted;
  const model::decoder *reference = nullptr;  // the float model of the second stream; borrow
  // Blocks that visit_block gets in place of the stops' visitor. Empty = none.
  std::function<bool(int64_t block)> whole;
  std::function<void(calibration_block &)> visit_block;
  // A folder for the file that holds what lies between two stops of a block; "" = memory does. On
  // another device than the CPU memory always does.
  std::string stage_folder;
  std::function<void(int64_t block)> block_begins;  // its weights are there from now ...
  std::function<void(int64_t block)> block_done;    // ... until nothing of it will change any more
  std::function<void(const std::string &where, int64_t rows)> smaller_chunks;  // memory ran short
};

// Runs on copies of blocks taken from `live` as it stands when the block is reached. Deterministic:
// chunks are made of whole sequences of equal length in a fixed order. Throws error(cancelled)
// within one chunk of Ctrl-C, error(failed) naming the linear whose input is not finite, or where
// memory did not suffice for a single sequence. Returns facts for the metadata: { chunks, tokens,
// counted_tokens, sink_tokens, rank, threads, seconds, forward_seconds, statistics_seconds,
// and stage_cpu_seconds where a file held the stages }.
json calibrate(model::decoder &live, const calibration &data, const calibrate_options &options,
               const std::function<void(calibration_stop &)> &visit);

}  // namespace assay::quant
