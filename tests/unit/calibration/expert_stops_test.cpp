// Tests the calibration of experts: each sees its own tokens only, and the policy decides for those that see too few.
#include <ATen/core/grad_mode.h>

#include <map>

#include "calibration/calibrate.hpp"
#include "calibration/statistics_cache.hpp"
#include "catch.hpp"
#include "model/decoder.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"

using assay::json;
using namespace assay;
using namespace assay::quant;
using assay::model::linear_group;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

model::decoder experts_model(const std::string &name = "olmoe-untied") {
  return model::decoder::load(*model::checkpoint::open(k_models + name));
}

calibration some_sequences(int64_t rows, int64_t tokens, bool masked = false) {
  std::vector<calibration_sequence> out;
  for (int64_t row = 0; row < rows; ++row) {
    calibration_sequence one;
    for (int64_t i = 0; i < tokens - row % 2; ++i) {
      one.ids.push_back((row * 37 + i * i * 5 + i) % 96);
      if (masked) one.counted.push_back(i % 3 != 0);
    }
    out.push_back(std::move(one));
  }
  return calibration(std::move(out));
}

using stop_key = std::pair<int64_t, model::linear_input>;
using stop_map = std::map<stop_key, calibration_stop>;

stop_map stops_of(model::decoder &decoder, const calibration &data, expert_policy policy,
                  std::vector<starved_input> *starved = nullptr, int64_t chunk_tokens = 4096) {
  calibrate_options options;
  options.needs.hessian = options.needs.abs_max = true;
  options.experts = policy;
  options.chunk_tokens = chunk_tokens;
  if (starved) options.starved = [&](const starved_input &one) { starved->push_back(one); };
  stop_map found;
  calibrate(decoder, data, options, [&](calibration_stop &stop) {
    found[{stop.block, stop.input()}] = stop;
  });
  return found;
}

bool close(const at::Tensor &a, const at::Tensor &b, double tolerance = 1e-5) {
  return (a - b).abs().max().item<double>() <= tolerance * b.abs().max().item<double>();
}

// Sums x^T x of the inputs that the forward pass gives to linears of this role, by name.
std::map<std::string, std::pair<int64_t, at::Tensor>> seen_by(model::decoder &decoder,
                                                              const std::string &role,
                                                              const calibration &data) {
  const at::NoGradGuard no_grad;
  std::map<std::string, std::pair<int64_t, at::Tensor>> sums;
  for (auto *linear : decoder.linears()) {
    if (linear->role != role) continue;
    auto &sum = sums[linear->name];
    sum.second = at::zeros({linear->in_features(), linear->in_features()}, at::kDouble);
    linear->on_input = [&sum](const at::Tensor &x) {
      const auto rows = x.reshape({-1, x.size(-1)}).to(at::kDouble);
      sum.first += rows.size(0);
      sum.second += rows.t().mm(rows);
      return x;
    };
  }
  for (const auto &sequence : data.sequences())
    decoder.hidden(at::tensor(sequence.ids, at::kLong).unsqueeze(0));
  for (auto *linear : decoder.linears()) linear->on_input = nullptr;
  return sums;
}

}  // namespace

TEST_CASE("each expert is calibrated on the tokens that the router gives to it") {
  auto decoder = experts_model();
  const auto data = some_sequences(12, 48);
  for (const int64_t chunk : {4096, 1}) {
    const auto stops = stops_of(decoder, data, expert_policy::borrow, nullptr, chunk);
    CHECK(stops.size() == 3 * (3 + 2 * 8));
    for (const auto &[role, group] : {std::pair{"mlp.gate", linear_group::gate_up},
                                      std::pair{"mlp.down", linear_group::down}}) {
      const auto sums = seen_by(decoder, role, data);
      for (const auto &linear : decoder.linears()) {
        if (linear->role != role) continue;
        INFO(linear->name);
        const auto &stop = stops.at({linear->block, {group, linear->expert}});
        const auto &[tokens, hessian] = sums.at(linear->name);
        CHECK(stop.routed_tokens == tokens);
        if (tokens < linear->in_features()) continue;
        CHECK(stop.statistics.n_tokens == tokens);
        CHECK(close(stop.statistics.hessian, hessian.to(at::kFloat)));
      }
    }
  }
}

TEST_CASE("masked tokens do not count for experts") {
  auto decoder = experts_model();
  const auto stops = stops_of(decoder, some_sequences(12, 48, true), expert_policy::plain);
  const auto &router = stops.at({0, {linear_group::gate_up, -1}});
  int64_t tokens = 0;
  for (int64_t i = 0; i < 8; ++i) tokens += stops.at({0, {linear_group::down, i}}).routed_tokens;
  CHECK(tokens == 4 * router.statistics.n_tokens);
}

TEST_CASE("an expert that saw fewer tokens than its width is told, and the policy decides") {
  auto decoder = experts_model();
  const auto data = some_sequences(2, 24);
  for (const auto policy :
       {expert_policy::plain, expert_policy::borrow, expert_policy::route_all}) {
    std::vector<starved_input> starved;
    const auto stops = stops_of(decoder, data, policy, &starved);
    REQUIRE_FALSE(starved.empty());
    const auto all = seen_by(decoder, "attn.q", data).begin()->second.first;
    for (const auto &one : starved) {
      INFO(one.linear);
      const auto &stop = stops.at({one.block, one.input});
      CHECK(one.tokens < one.width);
      CHECK(one.tokens == stop.routed_tokens);
      CHECK(stop.uniform == (policy == expert_policy::plain));
      const auto &hessian = stop.statistics.hessian;
      if (policy == expert_policy::plain)
        CHECK(hessian.equal(at::eye(one.width) * hessian[0][0]));
      else
        CHECK(stop.statistics.n_tokens == all);
      if (policy != expert_policy::plain && one.input.group == linear_group::gate_up)
        CHECK(hessian.equal(stops.at({one.block, {linear_group::gate_up, -1}}).statistics.hessian));
    }
    if (policy == expert_policy::route_all)
      for (const auto &[at, stop] : stops) CHECK(stop.statistics.n_tokens == all);
  }
}

TEST_CASE("a remembered pass gives the same statistics of experts, and tells of the same ones") {
  forget_statistics();
  const auto decoder = experts_model("mixtral-untied");
  const auto data = some_sequences(3, 24);
  const auto take = [&](expert_policy policy) {
    calibrate_options options;
    options.needs.hessian = true;
    options.experts = policy;
    json out = json::array();
    options.starved = [&](const starved_input &one) { out.push_back({one.linear, one.tokens}); };
    std::vector<at::Tensor> hessians;
    const json facts = calibrate_float(decoder, data, options, [&](calibration_stop &stop) {
      hessians.push_back(stop.statistics.hessian);
    });
    return std::tuple{facts["shared"].get<bool>(), out, hessians};
  };
  const auto [first_shared, first_told, first] = take(expert_policy::borrow);
  const auto [again_shared, again_told, again] = take(expert_policy::borrow);
  CHECK_FALSE(first_shared);
  CHECK(again_shared);
  CHECK(first_told == again_told);
  REQUIRE(first.size() == again.size());
  for (size_t i = 0; i < first.size(); ++i) CHECK(first[i].equal(again[i]));
  CHECK_FALSE(std::get<0>(take(expert_policy::plain)));
  forget_statistics();
}
