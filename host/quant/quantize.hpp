// quantize: one recipe applied to one subject.
// Not the calibration pass itself (calibrate.hpp) and not the files (save.hpp).
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct quantize_options {
  progress_fn progress;  // done and total in linears; called from the calling thread only
  bool checked = false;  // checksum the weights before and after every plugin call, blame by name
  // A folder in which finished blocks are kept, so that a killed run, called again with the same
  // subject, recipe and calibration, goes on after the last one and ends in the same bytes; "" =
  // none. It stays when the run is done: remove it once the result is saved.
  std::string resume;
  int64_t chunk_tokens = 2048;  // tokens of one forward; halved where memory runs short
};

// A decoder that was loaded on demand has the weights of one or two blocks in memory at a time; with
// a resume folder the forms lie there as well. The result can be saved, not run.
// Throws error(cancelled) within one linear of Ctrl-C, error(usage) for a recipe that cannot be
// (unknown plugin, bad configuration, calibration missing), error(plugin) when a plugin breaks its
// contract.
quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &what, const calibration *data = nullptr,
                         const quantize_options &options = {});

}  // namespace assay::quant
