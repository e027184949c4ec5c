// Runs calibration sequences through a model block by block, and stops at every distinct input of
// linears. At a stop the caller's function (the visitor) receives the statistics of that input.
//
//   per block:  norm1 ─► [qkv] ─► attention ─► [o] ─► norm2 ─► [gate_up] ─► [down] ─► next block
//               [..] = a stop at the input of these linears
//
// In a block with experts [gate_up] is the stop of the router, at which all tokens count. Then each expert, one after another, has a
// stop for gate and up and one for down, with its own tokens (expert_stops.hpp).
//
// A visitor may replace weights of the model. Later stops then see inputs that the replaced
// weights gave; one forward pass is enough for that. With a second stream every sequence also runs
// through the float model, and statistics may pair the inputs of both. A block can also be visited
// once as a whole, with its inputs and the statistics of all four stops. This costs a second
// forward pass of the block.
#pragma once

#include <functional>
#include <map>

#include "calibration/calibration_stream.hpp"
#include "calibration/expert_policy.hpp"
#include "calibration/statistics.hpp"
#include "core/progress.hpp"

namespace assay::quant {

struct calibration_stop {
  int64_t block = 0;  // -1: the head
  model::linear_group group = model::linear_group::qkv;
  int64_t expert = -1;                      // -1: the input of all tokens
  bool last = false;                        // the last stop of the block
  std::vector<model::linear_op *> linears;  // those that read this input; borrowed from the model
  input_statistics statistics;
  input_statistics first_token;  // over one-token sequences (position 0); empty unless asked for
  int64_t routed_tokens = 0;     // of an expert: the counted tokens that the router gave to it
  bool uniform =
      false;  // the expert saw too few tokens; statistics in which all columns count alike
  model::linear_input input() const { return {group, expert}; }
};

// What a visitor of whole blocks receives, before anything in the block was changed.
struct calibration_block {
  int64_t block = 0;
  std::map<model::linear_input, calibration_stop> stops;
  // The sequences at the block's start. One-token sequences (first_token) are left out. Tensors are
  // shared with the pass.
  std::vector<calibration_stream> streams;
};

struct calibrate_options {
  statistics_needs needs;
  bool first_token = false;  // also take the Hessian over sequences of one token (position 0)
  // The most tokens of one forward pass, which bounds memory. A longer sequence is not cut: it runs alone.
  int64_t chunk_tokens = 2048;
  progress_fn progress;  // counts stops
  // Returns true for the stops whose statistics are accumulated. Empty = all stops of blocks. The head
  // is a stop only if this returns true for (-1, head).
  std::function<bool(int64_t block, model::linear_input input)> wanted;
  expert_policy experts = expert_policy::borrow;
  std::function<void(const starved_input &)>
      starved;  // called for each input that needs the policy
  // The model of the second stream, borrowed; null = there is no second stream.
  const model::decoder *float_model = nullptr;
  // Returns true for blocks that visit_block receives as a whole. Empty = all blocks
  // are visited by stops.
  std::function<bool(int64_t block)> whole;
  std::function<void(calibration_block &)> visit_block;
  // The folder of the file that holds the inputs at a stop; "" = they stay in memory, as they
  // always do on devices other than the CPU.
  std::string activation_folder;
  std::function<void(int64_t block)> block_begins;  // the block's weights are in memory from now on
  std::function<void(int64_t block)> block_done;    // nothing of the block will change any more
  // Called when memory ran short and a chunk was halved to `rows` sequences.
  std::function<void(const std::string &where, int64_t rows)> smaller_chunks;
};

// Runs the pass. It uses the weights that a block of `live` has when the pass reaches it. The result is
// the same each time, because chunks are made of whole sequences of equal length in a fixed order.
// Throws error(cancelled) at most one chunk after Ctrl-C; error(failed) with the linear whose input is not
// finite; error(failed) if memory is too small for a single sequence. Returns facts for the metadata:
// { chunks, tokens, counted_tokens, sink_tokens = number of one-token sequences, rank = { tokens,
// width } of the stop with the fewest tokens for its width, threads, seconds, forward_seconds,
// forward_cpu_seconds, statistics_seconds, statistics_cpu_seconds; streams = 2 with a second stream;
// stage_cpu_seconds if a file held the inputs; experts = [{ block, policy, tokens = counted tokens of each expert }] }.
json calibrate(model::decoder &live, const calibration &data, const calibrate_options &options,
               const std::function<void(calibration_stop &)> &visit);

}  // namespace assay::quant
