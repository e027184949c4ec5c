// Cases for a transform: it does not change the output of a decoder layer, and two runs make the same edits.
#include <cmath>

#include "core/error.hpp"
#include "plug/check/check.hpp"
#include "plug/check/small_block.hpp"
#include "plug/transform.hpp"

namespace assay::check {
namespace {

// The relative error of the output that is allowed. A transform divides and multiplies fp32 weights by the same scales,
// and each of these operations rounds.
constexpr double k_tolerance = 2e-5;

class edits : public plug::edit_receiver {
 public:
  explicit edits(small_block &on) : on_(on) {}
  void set_bias(const std::string &layer, const assay_tensor &bias) override {
    on_.set_bias(layer, bias);
  }
  void set_clip(const std::string &, const assay_tensor &, const assay_tensor &, int64_t) override {
  }
  void set_online(const std::string &, const json &) override { online = true; }
  void note(const json &) override {}
  bool online = false;

 private:
  small_block &on_;
};

// Applies the transform to the block. Skips the case if the transform needs what this program does not have, or if its edits do not
// keep the output of a single layer.
void apply(const subject &on, small_block &block) {
  plug::transform_instance transform(*on.what, on.config);
  try {
    transform.check(json::parse(block.block().arch_json));
  } catch (const error &refusal) {  // a refusal with a reason is not a fault
    if (refusal.kind() != error_kind::failed) throw;
    skip(std::string("it cannot transform the block of this case: ") + refusal.what());
  }
  const assay_needs needs = transform.needs(block.block());
  if ((needs.schedule & ASSAY_SCHEDULE_BLOCK_LOSS) != 0)
    skip("it tries candidates on a block, which this program cannot run");
  if ((needs.schedule & (ASSAY_SCHEDULE_MODEL | ASSAY_SCHEDULE_AFTER)) != 0)
    skip("only all blocks together keep the output, or it runs after quantization");
  if ((needs.statistics & ASSAY_NEED_RAW_INPUT) != 0) skip("it reads raw inputs");
  if (needs.statistics != 0) block.provide(needs);
  edits receiver(block);
  transform.apply(block.block(), receiver);
  if (receiver.online) skip("it leaves an operation in the forward pass");
}

void keeps_the_function(const subject &on) {
  small_block block(on.seed);
  const std::vector<double> before = block.output();
  apply(on, block);
  const std::vector<double> after = block.output();
  double difference = 0, total = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    difference += (after[i] - before[i]) * (after[i] - before[i]);
    total += before[i] * before[i];
  }
  const double relative = std::sqrt(difference / total);
  if (!(relative <= k_tolerance))
    fail("the layer's output changes by " + std::to_string(relative) +
         " relative; at most 2e-5 is rounding");
}

void same_edits(const subject &on) {
  small_block first(on.seed), second(on.seed);
  apply(on, first);
  apply(on, second);
  if (first.output() != second.output()) fail("two runs with the same input edit differently");
}

}  // namespace

const std::vector<test_case> &transform_cases() {
  static const std::vector<test_case> cases = {
      {"keeps_the_function", keeps_the_function},
      {"same_edits", same_edits},
  };
  return cases;
}

}  // namespace assay::check
