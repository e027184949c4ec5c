// Holds what the parts of one quantization run share: what the caller gave, the linears to
// quantize, and the result so far.
#pragma once

#include <memory>
#include <string>

#include "quant/linear_jobs.hpp"
#include "quant/quantize.hpp"
#include "quant/streaming/block_residency.hpp"
#include "quant/transforms/transform_run.hpp"

namespace assay::quant {

struct run_state {
  // Borrowed from the caller for the length of the run.
  const model::checkpoint &subject;
  const model::decoder &float_model;  // the model before the recipe
  const quant::recipe &recipe;
  const calibration *data;  // null = none was given
  const quantize_options &options;

  quantized_model result;
  std::shared_ptr<block_residency> residency;  // where the weights of result.decoder are
  std::string arch_json;                       // facts of the model for plugins
  json activation;                             // scheme with defaults filled in; null = none
  transform_outcome transformed;
  job_list jobs;
};

}  // namespace assay::quant
