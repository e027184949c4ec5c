// Loads the tiny model, the plugins and calibration data: tests of transforms, schemes and exporters start from these.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "calibration/calibrate.hpp"
#include "checkpoint/checkpoint.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

namespace quant_test {

// Calibration data: `sequences` sequences of `tokens` random tokens each, which depend only on the seed.
inline assay::quant::calibration tiny_calibration(int64_t sequences, int64_t tokens = 32,
                                                  uint64_t seed = 21) {
  const auto ids = tiny_ids(sequences, tokens, seed);
  std::vector<assay::quant::calibration_sequence> made;
  for (int64_t row = 0; row < sequences; ++row) {
    const auto *first = ids.const_data_ptr<int64_t>() + row * tokens;
    made.push_back({{first, first + tokens}, {}});
  }
  return assay::quant::calibration(std::move(made));
}

struct tiny_subject {
  temporary_folder root;
  std::shared_ptr<assay::model::checkpoint> checkpoint =
      assay::model::checkpoint::open(write_tiny_model(root));
  assay::model::decoder decoder = assay::model::decoder::load(*checkpoint);
  assay::quant::calibration data;

  explicit tiny_subject(int64_t sequences = 16) : data(tiny_calibration(sequences)) {
    use_plugins();
  }

  // Multiplies two channels of each norm of each block by 20, so that scaling or rotation can reduce the quantization error.
  void raise_channels() {
    for (int64_t i = 0; i < decoder.n_blocks(); ++i) {
      auto &block = decoder.block(i);
      block.attention_norm = block.attention_norm.clone();
      block.mlp_norm = block.mlp_norm.clone();
      block.attention_norm.narrow(0, 3, 2).mul_(20);
      block.mlp_norm.narrow(0, 7, 2).mul_(20);
    }
  }

  assay::quant::quantized_model run(const assay::json &recipe, bool calibrated = true) const {
    return assay::quant::quantize(*checkpoint, decoder, assay::quant::recipe::from_json(recipe),
                                  calibrated ? &data : nullptr);
  }

  // Mean squared difference between the logits of the quantized model and of the original one.
  double distance(const assay::json &recipe) const {
    return (logits_of(run(recipe).decoder) - logits_of(decoder)).square().mean().item<double>();
  }
};

}  // namespace quant_test
