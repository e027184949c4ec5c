// Tests awq, awq_sqrt, smoothquant and bias_correction: scaling does not change what the model computes, the
// chosen scales have no larger loss than no scaling, limits of weights lower the loss, and biases remove
// mean errors and are saved.
#include "catch.hpp"

#include <ATen/core/grad_mode.h>

#include <map>

#include "core/error.hpp"
#include "quant/export/save.hpp"
#include "quant/streaming/block_residency.hpp"
#include "quant/transforms/transform_run.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

struct model_in_work : tiny_subject {
  model_in_work() { raise_channels(); }
};

json transforms(const char *id, const json &config = json::object()) {
  return json::array({{{"id", id}, {"config", config}}});
}

const json k_rtn4 = {{"id", "rtn"}, {"config", {{"bits", 4}, {"group_size", 32}}}};
const json k_rtn3a = {{"id", "rtn"},
                      {"config", {{"bits", 3}, {"group_size", 32}, {"symmetric", false}}}};
const json k_rtn8 = {{"id", "rtn"}, {"config", {{"bits", 8}, {"group_size", -1}}}};

at::Tensor weight_of(const assay::model::decoder &decoder, const std::string &name) {
  for (const auto *linear : decoder.linears())
    if (linear->name == name) return linear->weight;
  throw std::out_of_range(name);
}

// Returns, for the keys of layer 0, the largest magnitude of any channel divided by that of the median channel. 1 means
// that all channels are equal.
double unevenness_of_keys(const assay::model::decoder &decoder, const calibration &data) {
  at::NoGradGuard no_grad;
  auto watched = decoder;
  at::Tensor most;
  watched.on_kv = [&](int64_t layer, at::Tensor &k, at::Tensor &) {
    if (layer > 0) return;
    const auto found = k.abs().amax({0, 2}).flatten();
    most = most.defined() ? at::maximum(most, found) : found;
  };
  for (const auto &sequence : data.sequences())
    watched.hidden(at::tensor(sequence.ids, at::kLong).reshape({1, -1}));
  return (most.max() / most.median()).item<double>();
}

}  // namespace

TEST_CASE("every scaling leaves the logits as they were", "[scaling_test]") {
  const model_in_work m;
  const auto exact = logits_of(m.decoder);
  const std::vector<json> all = {
      transforms("awq", {{"loss", "parent"}, {"loss_tokens", 128}}),
      transforms("awq", {{"clip", "asymmetric"}}), transforms("awq_sqrt"),
      transforms("smoothquant", {{"search", true}, {"groups", "all"}, {"loss_tokens", 128}}),
      transforms("smoothquant", {{"attention", "head"}})};
  for (const auto &list : all) {
    CAPTURE(list.dump());
    const auto q = m.run({{"transforms", list}});
    CHECK((logits_of(q.decoder) - exact).abs().max().item<double>() <=
          1e-4 * exact.abs().max().item<double>());
    CHECK_FALSE(at::equal(q.decoder.block(0).k.weight, m.decoder.block(0).k.weight));
    for (const auto &entry : q.metadata["transforms"])
      CHECK(entry["difference"].get<double>() <= 1e-4);
  }
}

// The loss "parent" of a trial is the error of the output of attention or of the MLP. The identity is
// the trial without scaling.
TEST_CASE("at the output of attention and the MLP, awq's choice has no larger loss than no scaling",
          "[scaling_test]") {
  const model_in_work m;
  const auto q =
      m.run({{"transforms", transforms("awq", {{"loss", "parent"}})}, {"quantizer", k_rtn4}});
  int behind_parents = 0;
  for (const auto &block : q.metadata["transforms"])
    for (const auto &group : block["note"]["groups"]) {
      CHECK(group["loss"].get<double>() <= group["identity_loss"].get<double>());
      behind_parents += group["behind"] == "parent";
    }
  CHECK(behind_parents == 4);
}

TEST_CASE("without scaling, the loss of a parent is that of rounding alone", "[scaling_test]") {
  const model_in_work m;
  json exact = k_rtn4;  // the search does not round its scales
  exact["config"]["scale_dtype"] = "float32";
  const json search = {{"loss", "parent"}, {"steps", 1}, {"duo_scaling", "off"}};
  const auto q = m.run({{"transforms", transforms("awq", search)}, {"quantizer", exact}});
  const auto rounded = m.run({{"quantizer", exact}, {"keep", {"lm_head", "attn.o"}}});
  const auto &before = m.decoder.block(0);
  auto after = before;
  after.q = rounded.decoder.block(0).q, after.k = rounded.decoder.block(0).k;
  after.v = rounded.decoder.block(0).v;
  double sum = 0, count = 0;
  at::NoGradGuard no_grad;
  for (const auto &sequence : m.data.sequences()) {
    const auto ids = at::tensor(sequence.ids, at::kLong).reshape({1, -1});
    const auto context = m.decoder.context(1, ids.size(1));
    const auto h = m.decoder.embed(ids);
    const auto out = [&](const assay::model::decoder_block &b) {
      return b.o(b.attention(b.attention_input(h), context));
    };
    const auto d = out(after) - out(before);
    sum += d.square().sum().item<double>(), count += static_cast<double>(d.numel());
  }
  const auto &group = q.metadata["transforms"][0]["note"]["groups"][0];
  CHECK(group["identity_loss"].get<double>() == Approx(sum / count).epsilon(1e-4));
}

// `clip` searches limits for the weights that share a grid. The grid then covers only the range between the limits.
TEST_CASE("symmetric and asymmetric limits of weights lower the loss", "[scaling_test]") {
  const model_in_work m;
  for (const char *form : {"symmetric", "asymmetric"}) {
    CAPTURE(form);
    const auto q =
        m.run({{"transforms", transforms("awq", {{"clip", form}})}, {"quantizer", k_rtn3a}});
    for (const auto &block : q.metadata["transforms"]) {
      CHECK(block["note"]["clips"].size() == 5);  // v, o, gate, up, down
      for (const auto &clip : block["note"]["clips"])
        CHECK(clip["loss"].get<double>() < clip["identity_loss"].get<double>());
    }
  }
}

TEST_CASE("limits reach the quantizer: no weight of the result lies beyond them",
          "[scaling_test]") {
  const model_in_work m;
  const auto wide = m.run({{"transforms", transforms("awq")}, {"quantizer", k_rtn3a}}),
             clipped = m.run({{"transforms", transforms("awq", {{"clip", "asymmetric"}})},
                              {"quantizer", k_rtn3a}});
  // Weights must stay within the limits, up to half a step: zero points are whole numbers, so a
  // grid may be shifted that much.
  auto decoder = m.decoder;
  ledger incidents;
  const auto asked = recipe::from_json(
      {{"transforms", transforms("awq", {{"clip", "asymmetric"}})}, {"quantizer", k_rtn3a}});
  const auto limits = run_transforms(decoder, asked, &m.data, incidents, {}, *whole_model()).clips;
  const auto steps_beyond = [](const at::Tensor &weight, const clip_limits &clip) {
    const auto spread = [&](const at::Tensor &limit) {
      return limit.repeat_interleave(clip.group_size, 1).narrow(1, 0, weight.size(1));
    };
    const auto step = spread(clip.max - clip.min) / 7;
    const auto beyond = at::maximum(weight - spread(clip.max), spread(clip.min) - weight);
    return (beyond / step).max().item<double>();
  };
  CHECK(limits.size() == 10);  // v, o, gate, up, down of two blocks
  double unlimited = 0;
  for (const auto &[name, clip] : limits) {
    CAPTURE(name);
    CHECK(steps_beyond(weight_of(clipped.decoder, name), clip) < 0.51);
    unlimited = std::max(unlimited, steps_beyond(weight_of(wide.decoder, name), clip));
  }
  CHECK(unlimited > 0.51);
  CHECK(clipped.decoder.block(0).down.weight.abs().max().item<float>() <=
        wide.decoder.block(0).down.weight.abs().max().item<float>());
  CHECK_FALSE(at::equal(clipped.decoder.block(0).down.weight, wide.decoder.block(0).down.weight));
  CHECK(at::equal(clipped.decoder.block(0).q.weight, wide.decoder.block(0).q.weight));
}

TEST_CASE("every quantizer uses the limits of weights", "[scaling_test]") {
  const model_in_work m;
  const json coarse = {{"bits", 3}, {"group_size", 32}};
  for (const auto &[id, config] :
       {std::pair<std::string, json>{"opt_rtn", coarse},
        {"gptq", coarse},
        {"hqq", coarse},
        {"salient", coarse},
        {"codebook", json::object()},
        {"mxfp4", json::object()},
        {"autoround", {{"bits", 3}, {"group_size", 32}, {"iterations", 1}}}}) {
    CAPTURE(id);
    const auto with = [&](const char *clip) {
      return m.run({{"transforms", transforms("awq", {{"clip", clip}})},
                    {"quantizer", {{"id", id}, {"config", config}}}});
    };
    CHECK_FALSE(at::equal(with("asymmetric").decoder.block(0).down.weight,
                          with("off").decoder.block(0).down.weight));
  }
}

TEST_CASE("awq_sqrt divides a norm by the square root of mean|x|", "[scaling_test]") {
  const model_in_work m;
  at::Tensor mean;
  calibrate_options options;
  options.needs.abs_mean = true;
  auto live = m.decoder;
  calibrate(live, m.data, options, [&](calibration_stop &stop) {
    if (stop.block == 0 && stop.group == assay::model::linear_group::qkv)
      mean = stop.statistics.abs_mean;
  });
  const auto q = m.run({{"transforms", transforms("awq_sqrt")}});
  CHECK(at::allclose(q.decoder.block(0).attention_norm,
                     m.decoder.block(0).attention_norm / (mean + 1e-8).sqrt(), 1e-5));
}

// smoothquant moves large values from the inputs into the weights. W8A8 means 8-bit weights and inputs.
TEST_CASE(
    "searched smoothquant scales have no larger loss than no scaling, and bring W8A8 nearer to the "
    "float model",
    "[scaling_test]") {
  const model_in_work m;
  json w8a8 = {{"quantizer", k_rtn8}, {"activation", {{"bits", 8}}}};
  const double plain = m.distance(w8a8);
  w8a8["transforms"] = transforms("smoothquant", {{"search", true}});
  const auto q = m.run(w8a8);
  for (const auto &block : q.metadata["transforms"])
    for (const auto &group : block["note"]["scaled"])
      CHECK(group["loss"].get<double>() <= group["identity_loss"].get<double>());
  CHECK((logits_of(q.decoder) - logits_of(m.decoder)).square().mean().item<double>() < plain);
}

TEST_CASE("scaled keys have more even channels, and a rounded cache then changes the logits less",
          "[scaling_test]") {
  model_in_work m;
  for (int64_t i = 0; i < m.decoder.n_blocks(); ++i) {
    auto &k = m.decoder.block(i).k;
    k.weight = k.weight.clone();
    k.weight.select(0, 5).mul_(30);  // makes one channel of the keys much larger
  }
  const auto scaling = transforms("smoothquant", {{"attention", "head"}});
  const double before = unevenness_of_keys(m.decoder, m.data);
  CHECK(before > 10);
  CHECK(unevenness_of_keys(m.run({{"transforms", scaling}}).decoder, m.data) < before / 2);
  const json kv = {{"bits", 4}};
  CHECK(m.distance({{"transforms", scaling}, {"kv", kv}}) < m.distance({{"kv", kv}}));
}

TEST_CASE("bias correction removes the mean error of each output", "[scaling_test]") {
  const model_in_work m;
  const json recipe = {{"quantizer", k_rtn3a}, {"transforms", transforms("bias_correction")}};
  const auto q = m.run(recipe);
  auto live = q.decoder;
  calibrate_options options;
  options.needs.mean = true;
  calibrate(live, m.data, options, [&](calibration_stop &stop) {
    if (stop.block != 0 || stop.group != assay::model::linear_group::qkv) return;
    const auto &w = m.decoder.block(0).v, &b = q.decoder.block(0).v;
    const auto error = at::matmul(w.weight - b.weight, stop.statistics.mean) - b.bias;
    CHECK(error.abs().max().item<double>() < 1e-5);
    CHECK(b.bias.abs().max().item<double>() > 1e-4);
  });
  CHECK(q.metadata["transforms"].size() == 2);
  // Now the mean errors of all linears are checked, on the inputs that the correction's own pass has: the blocks before
  // are corrected, this block is not yet.
  live = m.run({{"quantizer", k_rtn3a}}).decoder;
  std::map<assay::model::linear_group, at::Tensor> means;
  calibrate(live, m.data, options, [&](calibration_stop &stop) {
    means[stop.group] = stop.statistics.mean;
    if (stop.group != assay::model::linear_group::down) return;
    const auto exact = m.decoder.block(stop.block).linears();
    const auto corrected = q.decoder.block(stop.block).linears();
    const auto uncorrected = live.block(stop.block).linears();
    for (size_t i = 0; i < exact.size(); ++i) {
      CAPTURE(exact[i]->name);
      const auto change = exact[i]->weight - uncorrected[i]->weight;
      const auto error = at::matmul(change, means.at(exact[i]->group)) - corrected[i]->bias;
      CHECK(error.abs().max().item<double>() < 1e-5);
      CHECK(corrected[i]->bias.abs().max().item<double>() > 1e-4);
      uncorrected[i]->bias = corrected[i]->bias;
    }
  });
}

TEST_CASE(
    "corrected biases are saved with the keys of config.json that announce them, and come back",
    "[scaling_test]") {
  model_in_work m;
  m.decoder = assay::model::decoder::load(*m.checkpoint);  // as stored, without raised channels
  const auto q = m.run({{"quantizer", k_rtn4}, {"transforms", transforms("bias_correction")}});
  save(q, *m.checkpoint, m.root / "corrected");
  const auto loaded = assay::model::checkpoint::open(m.root / "corrected");
  CHECK(loaded->config()["attention_bias"].get<bool>());
  CHECK(loaded->config()["mlp_bias"].get<bool>());
  const auto decoder = assay::model::decoder::load(*loaded);
  CHECK(at::equal(logits_of(decoder), logits_of(q.decoder)));
}
