// Tests recipes on models with experts: the router stays in float, an expert without enough tokens is in the ledger, what transforms
// do to a norm they undo in the router and in all experts, and sizes are counted over all and over active experts.
#include <ATen/core/grad_mode.h>

#include <filesystem>

#include "catch.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"
#include "scratch_folder.hpp"

using assay::json;
using namespace assay;
using namespace assay::quant;
using assay_test::contains;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

calibration some_sequences(int64_t rows, int64_t tokens) {
  std::vector<calibration_sequence> out;
  for (int64_t row = 0; row < rows; ++row) {
    calibration_sequence one;
    for (int64_t i = 0; i < tokens; ++i) one.ids.push_back((row * 37 + i * i * 5 + i) % 96);
    out.push_back(std::move(one));
  }
  return calibration(std::move(out));
}

struct quantized {
  std::shared_ptr<model::checkpoint> source;
  quantized_model made;
};

quantized run(const std::string &name, const json &given, const calibration &data,
              bool on_demand = false, const std::string &resume = "") {
  quant_test::use_plugins();
  const auto source = model::checkpoint::open(k_models + name);
  const auto decoder =
      on_demand ? model::decoder::load_on_demand(source) : model::decoder::load(*source);
  quantize_options options;
  options.resume = resume;
  return {source, quantize(*source, decoder, recipe::from_json(given), &data, options)};
}

json of(const char *quantizer, const json &more = json::object()) {
  json out = {{"quantizer", {{"id", quantizer}, {"config", {{"bits", 4}, {"group_size", 8}}}}},
              {"min_token_ratio", 0}};
  out.update(more);
  return out;
}

int count(const ledger &incidents, const std::string &kind) {
  const auto counts = incidents.counts();
  const auto found = counts.find(kind);
  return found == counts.end() ? 0 : found->second;
}

at::Tensor logits_of(const model::decoder &decoder) {
  const at::NoGradGuard no_grad;
  return decoder.logits(
      decoder.hidden((at::arange(40, at::kLong) * 7 + 3).remainder(96).view({2, 20})));
}

}  // namespace

TEST_CASE("routers stay in float unless the recipe says otherwise") {
  const auto data = some_sequences(4, 40);
  const auto plain = run("qwen3_moe-dense-layer", of("rtn"), data);
  const std::string router = "model.layers.0.mlp.gate";
  CHECK_FALSE(plain.made.forms.contains(router));
  CHECK(plain.made.forms.contains("model.layers.0.mlp.experts.5.down_proj"));
  CHECK(plain.made.forms.size() == 2 * (4 + 3 * 6) + 7);
  const auto all = run("qwen3_moe-dense-layer", of("rtn", {{"routers", true}}), data);
  CHECK(all.made.forms.contains(router));
}

TEST_CASE("an expert with few tokens is in the ledger, with its tokens and the policy") {
  const auto data = some_sequences(2, 24);
  for (const std::string policy : {"plain", "borrow", "route_all"}) {
    INFO(policy);
    const auto q = run("olmoe-untied", of("gptq", {{"experts", policy}}), data);
    REQUIRE(count(q.made.incidents, "starved_expert") > 0);
    for (const ledger_entry &entry : q.made.incidents.entries()) {
      if (entry.kind != "starved_expert") continue;
      CHECK(entry.data["tokens"] < entry.data["columns"]);
      CHECK(entry.data["policy"] == policy);
      CHECK(entry.data["for"] == "gptq");
    }
    const json &experts = q.made.metadata["calibration_pass"]["experts"];
    REQUIRE(experts.size() == 3);
    int64_t tokens = 0;
    for (const json &n : experts[0]["tokens"]) tokens += n.get<int64_t>();
    CHECK(tokens == 4 * data.n_tokens());
  }
  const auto enough = run("olmoe-untied", of("gptq"), some_sequences(40, 48));
  CHECK(count(enough.made.incidents, "starved_expert") == 0);
  CHECK_THROWS_WITH(recipe::from_json(of("gptq", {{"experts", "guess"}})),
                    contains("unknown policy for experts, 'guess'"));
}

TEST_CASE("plain rounding of an expert is what the quantizer does without a Hessian") {
  const auto data = some_sequences(1, 8);  // 8 tokens are fewer than every width
  const json symmetric = {{"id", "gptq"},
                          {"config", {{"bits", 4}, {"group_size", 16}, {"damping", 0.01}}}};
  const auto feedback =
      run("olmoe-untied", of("gptq", {{"experts", "plain"}, {"quantizer", symmetric}}), data);
  CHECK(count(feedback.made.incidents, "starved_expert") == 3 * 2 * 8);
  const auto source = model::decoder::load(*feedback.source);
  for (const auto *linear : std::as_const(source).block(0).linears()) {
    if (linear->expert < 0) continue;
    INFO(linear->name);
    const auto alone =
        quant_test::run("gptq", symmetric["config"], linear->weight.to(at::kFloat).contiguous(),
                        at::eye(linear->in_features()) * static_cast<double>(linear->in_features()),
                        linear->in_features());
    for (const auto *made : std::as_const(feedback.made.decoder).block(0).linears())
      if (made->name == linear->name) CHECK(made->weight.equal(alone.weight));
  }
}

TEST_CASE("a fixed range of inputs is refused for an expert without statistics") {
  const json scheme = {{"bits", 8}, {"dynamic", false}, {"strategy", "tensor"}};
  CHECK_THROWS_WITH(run("olmoe-untied", of("rtn", {{"experts", "plain"}, {"activation", scheme}}),
                        some_sequences(1, 8)),
                    contains("too few for a fixed range of its input"));
}

TEST_CASE("transforms scale the router and all experts with the norm that they read") {
  const auto data = some_sequences(8, 40);
  for (const char *id : {"smoothquant", "awq", "awq_sqrt"})
    for (const std::string name : {"qwen3_moe-dense-layer", "mixtral-untied", "olmoe-clip-norm"}) {
      INFO(id << " " << name);
      json given = {{"transforms", {{{"id", id}, {"config", json::object()}}}}};
      if (std::string(id) == "smoothquant") given["transforms"][0]["config"]["groups"] = "all";
      if (std::string(id) == "awq")
        given["quantizer"] = {{"id", "rtn"}, {"config", {{"bits", 8}, {"group_size", 16}}}};
      const auto q = run(name, given, data);
      const std::string module = name == "mixtral-untied" ? "block_sparse_moe" : "mlp";
      const std::string router = "model.layers.0." + module + ".gate.weight";
      REQUIRE(q.made.edited.contains(router));
      const at::Tensor before = q.source->tensors().tensor(router).to(at::kFloat);
      const at::Tensor norm = q.source->tensors()
                                  .tensor("model.layers.0.post_attention_layernorm.weight")
                                  .to(at::kFloat);
      const at::Tensor scaled = q.made.edited.at("model.layers.0.post_attention_layernorm.weight");
      CHECK_FALSE(scaled.allclose(norm, 1e-3, 1e-3));
      // The product of the norm and a column of the router is as it was.
      CHECK((q.made.edited.at(router) * scaled).allclose(before * norm, 1e-4, 1e-5));
      const at::Tensor exact = logits_of(model::decoder::load(*q.source));
      const double far = ((logits_of(q.made.decoder) - exact).norm() / exact.norm()).item<double>();
      CHECK(far < (q.made.forms.empty() ? 1e-3 : 0.2));
    }
}

TEST_CASE("a rotation turns the router and the experts with the residual stream") {
  const json given = {
      {"transforms",
       {{{"id", "rotation"}, {"config", {{"r1", true}, {"r2", false}, {"r4", false}}}}}}};
  for (const std::string name : {"qwen3_moe-dense-layer", "mixtral-untied", "olmoe-untied"}) {
    INFO(name);
    const auto q = run(name, given, some_sequences(2, 20));
    const at::Tensor exact = logits_of(model::decoder::load(*q.source));
    CHECK(((logits_of(q.made.decoder) - exact).norm() / exact.norm()).item<double>() < 1e-3);
  }
}

TEST_CASE("a correction of biases is refused for experts by name") {
  CHECK_THROWS_WITH(
      run("olmoe-untied",
          of("rtn", {{"transforms", {{{"id", "bias_correction"}, {"config", json::object()}}}}}),
          some_sequences(2, 24)),
      contains("the family 'olmoe' has experts, which have no biases"));
}

TEST_CASE("a model with experts that is read block by block gives the same files") {
  const auto data = some_sequences(4, 40);
  for (const char *id : {"rtn", "gptq"}) {
    const scratch_folder folder;
    const auto saved = [&](bool on_demand, const std::string &name) {
      const auto q = run("qwen3_moe-fused-window", of(id), data, on_demand,
                         on_demand ? folder.file("resume-" + std::string(id)) : "");
      save(q.made, *q.source, folder.file(name), {});
      return read_file(folder.file(name) + "/model.safetensors");
    };
    CHECK((saved(false, "whole") == saved(true, "streamed")));
  }
}

TEST_CASE("sizes are counted over all experts and over those that a token goes through") {
  const auto q = run("olmoe-untied", of("rtn"), some_sequences(2, 24));
  const json &s = q.made.summary;
  const double expert = 3.0 * 3 * 8 * 32 * 24;  // layers, linears, experts, hidden, width
  CHECK(s["active_parameters"].get<double>() == s["parameters"].get<double>() - expert / 2);
  CHECK(s["active_bytes"] < s["bytes"]);
  double bits = 0;
  for (const auto &[name, form] : q.made.forms)
    if (name.find(".experts.") != std::string::npos) bits += form.packed_bits;
  CHECK(s["active_bytes"].get<double>() == Approx(s["bytes"].get<double>() - bits / 16).margin(1));
}
