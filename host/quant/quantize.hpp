// Applies one recipe to one model; the result is saved elsewhere (export/save.hpp).
#pragma once

#include "calibration/calibration.hpp"
#include "checkpoint/checkpoint.hpp"
#include "core/progress.hpp"
#include "quant/quantized.hpp"

namespace assay::quant {

struct quantize_options {
  progress_fn progress;  // called from the calling thread only; each step counts its own unit
  bool checked = false;  // refuse a plugin call that changes the rounding mode or the locale
  // A folder that keeps finished blocks; "" = none. If a run was killed, call quantize() again with
  // the same subject, recipe and calibration: it continues after the last finished block and gives
  // the same bytes. Finished blocks are kept only if there is calibration data. If the quantizer
  // needs none, the decoder must also have been loaded on demand. The folder stays when the run is
  // done: remove it once the result is saved.
  std::string resume;
  int64_t chunk_tokens = 2048;  // tokens of one forward pass; halved when memory runs short
};

// decoder: the float model, loaded from subject. data: null = the recipe runs without calibration.
// If the decoder was loaded on demand (decoder::load_on_demand), one or two of its blocks are in
// memory at a time, and the forms that the resume folder keeps are not in memory. The result can
// then be saved, but it cannot run. Throws error(usage) for a recipe that cannot be applied (unknown
// plugin, bad configuration, missing calibration), and error(plugin) when a plugin breaks its
// contract. After Ctrl-C it finishes at most one linear, then throws error(cancelled).
quantized_model quantize(const model::checkpoint &subject, const model::decoder &decoder,
                         const recipe &recipe, const calibration *data = nullptr,
                         const quantize_options &options = {});

}  // namespace assay::quant
