// Tests sensitivity (how much quantizing each part of a model costs) and allocation (bits for each part, chosen by these costs).
#include "catch.hpp"

#include "core/error.hpp"
#include "insight/allocate.hpp"
#include "insight/sensitivity.hpp"
#include "quant/quantize.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct subject {
  temporary_folder root;
  std::shared_ptr<assay::model::checkpoint> checkpoint =
      assay::model::checkpoint::open(write_tiny_model(root));
  assay::model::decoder decoder = assay::model::decoder::load(*checkpoint);

  subject() { use_plugins(); }
};

}  // namespace

// A swap puts the quantized weights of one part into the float model and measures what this costs (KL divergence). `control` is the
// cost when no part is swapped; `additivity` is the cost of all parts at once divided by the sum of the single costs.
TEST_CASE("swapping no part costs exactly nothing, and the costs of all parts nearly add up",
          "[insight_test]") {
  const subject s;
  json what = {{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 6}, {"group_size", 16}}}}}};
  const auto model = assay::quant::quantize(*s.checkpoint, s.decoder, recipe::from_json(what));
  const auto found = sensitivity(model, s.decoder, tiny_calibration(2, 32, 11));
  CHECK(found["control"].get<double>() == 0.0);
  CHECK(found["units"].size() == 8);  // qkv, o, gate-up and down of two blocks
  CHECK(found["units"][0]["linears"].size() == 3);
  CHECK(found["additivity"].get<double>() == Approx(1.0).margin(0.3));
  for (const auto &unit : found["units"]) {
    CHECK(unit["kl"].get<double>() > 0);
    CHECK(unit["gradient"].get<double>() > 0);
  }
}

// allocate() begins with the fewest bits and takes steps; each step gives one part more bits. If a step uses
// up the budget exactly, no other allocation within the budget costs less. A choice for one part is written
// { label, bits, damage }; damage is its cost.
TEST_CASE("an allocation keeps its budget, and is optimal if a step uses up the budget exactly",
          "[insight_test]") {
  const std::vector<allocation_unit> units = {
      {"a", {{"3", 30, 9}, {"4", 40, 2}, {"8", 80, 1}}},
      {"b", {{"3", 30, 3}, {"4", 40, 2.5}, {"8", 80, 0}}},
      {"c", {{"3", 30, 1}, {"4", 40, 0.5}, {"8", 80, 0.4}}}};
  const auto brute = [&](double budget) {
    double least = 1e9;
    for (const auto &x : units[0].choices)
      for (const auto &y : units[1].choices)
        for (const auto &z : units[2].choices)
          if (x.bits + y.bits + z.bits <= budget)
            least = std::min(least, x.damage + y.damage + z.damage);
    return least;
  };
  for (const double budget : {90.0, 100.0, 125.0, 150.0, 240.0}) {
    const auto found = allocate(units, budget);
    CHECK(found.bits <= budget);
    CHECK(found.bound <= brute(budget) + 1e-12);
    CHECK(found.damage >= brute(budget) - 1e-12);
  }
  CHECK(allocate(units, 100).damage == Approx(brute(100)));
  CHECK(allocate(units, 240).damage == Approx(brute(240)));
  CHECK_THROWS_WITH(allocate(units, 80),
                    assay_test::contains("the cheapest choices take 90 bits, the budget is 80"));
}
