// Applies one recipe to one model; the result is saved elsewhere (export/save.hpp).
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct quantize_options {
  progress_fn progress;  // done and total in linears; called from the calling thread only
  bool checked = false;  // checksum the weights before and after every plugin call, blame by name
  // A folder that keeps finished blocks; "" = none. A run that was killed and is called again with
  // the same subject, recipe and calibration continues after the last block and gives the same
  // bytes. The folder stays when the run is done: remove it once the result is saved.
  std::string resume;
  int64_t chunk_tokens = 2048;  // tokens of one forward; halved where memory runs short
};

// Of a decoder that was loaded on demand, one or two blocks are in memory at a time, and with a
// resume folder the forms are on disk too; the result can be saved but not run. Throws
// error(cancelled) within one linear of Ctrl-C, error(usage) for a recipe that cannot be
// applied (unknown plugin, bad configuration, calibration missing), error(plugin) when a plugin
// breaks its contract.
quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &recipe, const calibration *data = nullptr,
                         const quantize_options &options = {});

}  // namespace assay::quant
