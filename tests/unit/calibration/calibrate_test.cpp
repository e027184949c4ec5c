// Tests the calibration pass, which runs the model stop by stop and sums statistics of inputs: the inputs are those of the plain
// forward pass, the sums are right, and masks and the size of chunks have the right effect.
#include "catch.hpp"

#include <ATen/core/grad_mode.h>

#include <map>

#include "calibration/calibrate.hpp"
#include "calibration/statistics_cache.hpp"
#include "core/error.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

calibration some_sequences(int64_t rows = 6, int64_t tokens = 24) {
  const auto ids = tiny_ids(rows, tokens, 11);
  std::vector<calibration_sequence> sequences;
  for (int64_t row = 0; row < rows; ++row) {
    const auto *first = ids.data_ptr<int64_t>() + row * tokens;
    sequences.push_back({{first, first + tokens - row % 2}, {}});  // two lengths
  }
  return calibration(std::move(sequences));
}

assay::model::decoder tiny_decoder(const temporary_folder &root) {
  return assay::model::decoder::load(*assay::model::checkpoint::open(write_tiny_model(root)));
}

using hessians = std::map<std::string, at::Tensor>;

std::string key(const calibration_stop &stop) {  // block and group of linears, such as "0qkv"
  return std::to_string(stop.block) + assay::model::group_name(stop.group);
}

// Runs the calibration pass and returns the Hessian x^T x of each input, by key().
hessians take(assay::model::decoder &decoder, const calibration &data,
              int64_t chunk_tokens = 4096) {
  calibrate_options options;
  options.needs.hessian = true;
  options.chunk_tokens = chunk_tokens;
  hessians found;
  calibrate(decoder, data, options,
            [&](calibration_stop &stop) { found[key(stop)] = stop.statistics.hessian; });
  return found;
}

bool close(const at::Tensor &a, const at::Tensor &b, double tolerance = 1e-5) {
  return (a - b).abs().max().item<double>() <= tolerance * b.abs().max().item<double>();
}

}  // namespace

TEST_CASE("the calibration pass sees exactly the inputs of the plain forward pass",
          "[calibrate_test]") {
  const temporary_folder root;
  auto decoder = tiny_decoder(root);
  const auto data = some_sequences();
  const auto staged = take(decoder, data);
  CHECK(staged.size() == 8);
  hessians direct;
  for (auto *linear : decoder.linears()) {
    const auto at = std::to_string(linear->block) + assay::model::group_name(linear->group);
    if (linear->role != "attn.q" && linear->role != "attn.o" && linear->role != "mlp.gate" &&
        linear->role != "mlp.down")
      continue;
    direct[at] = at::zeros({linear->in_features(), linear->in_features()}, at::kDouble);
    linear->on_input = [&sum = direct[at]](const at::Tensor &x) {
      const auto rows = x.reshape({-1, x.size(-1)}).to(at::kDouble);
      sum += rows.t().mm(rows);
      return x;
    };
  }
  at::NoGradGuard no_grad;
  for (const auto &sequence : data.sequences())
    decoder.hidden(at::tensor(sequence.ids, at::kLong).unsqueeze(0));
  for (const auto &[at, hessian] : staged) {
    CAPTURE(at);
    CHECK(close(hessian, direct[at].to(at::kFloat)));
    CHECK(at::equal(hessian, hessian.t()));
  }
}

TEST_CASE("results do not depend on the chunks into which sequences are cut", "[calibrate_test]") {
  const temporary_folder root;
  auto decoder = tiny_decoder(root);
  const auto data = some_sequences();
  const auto whole = take(decoder, data), single = take(decoder, data, 1),
             again = take(decoder, data);
  for (const auto &[at, hessian] : whole) {
    CHECK(close(single.at(at), hessian));
    CHECK(at::equal(again.at(at), hessian));  // and two runs agree to the bit
  }
}

TEST_CASE("masked tokens run through the model but are not counted", "[calibrate_test]") {
  const temporary_folder root;
  auto decoder = tiny_decoder(root);
  auto sequences = some_sequences().sequences();
  for (auto &sequence : sequences) {
    sequence.counted.assign(sequence.ids.size(), 0);
    sequence.counted.back() = 1;
  }
  calibrate_options options;
  options.needs.hessian = options.needs.abs_max = options.needs.raw_input = true;
  const calibration data(sequences);
  int stops = 0;
  calibrate(decoder, data, options, [&](calibration_stop &stop) {
    ++stops;
    CHECK(stop.statistics.n_tokens == 6);
    int64_t rows = 0;
    for (const auto &chunk : stop.statistics.raw) rows += chunk.size(0);
    CHECK(rows == 6);
    const auto all = at::cat(stop.statistics.raw);
    CHECK(at::equal(stop.statistics.abs_max, all.abs().amax(0)));
    CHECK(close(stop.statistics.hessian, all.t().mm(all)));
  });
  CHECK(stops == 8);
}

TEST_CASE("all statistics of one input agree with each other", "[calibrate_test]") {
  const auto x = at::randn({100, 48}, at::detail::createCPUGenerator(4), at::kFloat);
  statistics_needs needs;
  needs.hessian = needs.abs_max = needs.abs_mean = needs.sq_mean = needs.min_max = true;
  statistics_accumulator sums(48, needs, at::kCPU);
  sums.add(x.narrow(0, 0, 37));
  sums.add(x.narrow(0, 37, 63));
  const auto found = sums.finish();
  CHECK(found.n_tokens == 100);
  CHECK(close(found.hessian, x.t().mm(x)));
  CHECK(close(found.sq_mean, x.square().mean(0)));
  CHECK(close(found.hessian.diagonal() / 100, found.sq_mean));
  CHECK(close(found.abs_mean, x.abs().mean(0)));
  CHECK(at::equal(found.abs_max, x.abs().amax(0)));
  CHECK(at::equal(at::maximum(found.max, -found.min), found.abs_max));
}

// accumulate_gram and accumulate_gram_by_slabs compute only the triangle of x^T x up to the diagonal. The first
// uses a kernel if this machine has it; the second works in slabs (strips of neighbouring columns).
// mirror_lower fills the other triangle.
TEST_CASE("the triangular product equals the full one for widths that no slab divides",
          "[calibrate_test]") {
  for (const int64_t n : {1, 63, 128, 200, 576, 769}) {
    const auto x = at::randn({70, n}, at::detail::createCPUGenerator(4), at::kFloat);
    auto h = at::zeros({n, n});
    accumulate_gram(h, x);
    accumulate_gram(h, x);
    mirror_lower(h);
    CAPTURE(n);
    CHECK(close(h, 2 * x.t().mm(x), 1e-5));
    auto slabs = at::zeros({n, n});
    accumulate_gram_by_slabs(slabs, x);
    mirror_lower(slabs);
    CHECK(close(slabs, x.t().mm(x), 1e-5));
  }
}

TEST_CASE("a Hessian is right for more tokens than the kernel takes at once", "[calibrate_test]") {
  const auto x = at::randn({2500, 100}, at::detail::createCPUGenerator(5), at::kFloat);
  auto h = at::zeros({100, 100});
  accumulate_gram(h, x);
  mirror_lower(h);
  const auto wide = x.to(at::kDouble);
  CHECK(close(h, wide.t().mm(wide).to(at::kFloat), 1e-5));
  CHECK(at::equal(h, h.t()));
}

// Before the Hessian of the first tokens is added, it is scaled so that its trace is 0.5 times the
// trace of the other Hessian (12).
TEST_CASE("the Hessian of the first tokens adds its share of the trace", "[calibrate_test]") {
  input_statistics tokens, sink;
  tokens.n_tokens = 10;
  tokens.hessian = at::eye(4) * 3;
  sink.hessian = at::diag(at::tensor({8.0f, 0.0f, 0.0f, 0.0f}));
  const auto mixed = tokens.with_first_token(sink, 0.5);
  CHECK(mixed.hessian[0][0].item<float>() == Approx(3 + 0.5 * 12.0 / 8.0 * 8.0));
  CHECK(mixed.hessian[1][1].item<float>() == Approx(3));
  CHECK(mixed.sq_mean[0].item<float>() == Approx(0.9));
}

// propagation: "fp" takes statistics from the float model, "quantized" from the model whose earlier linears are quantized already.
TEST_CASE("a calibrated recipe lowers the output error under either propagation",
          "[calibrate_test]") {
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto decoder = assay::model::decoder::load(*checkpoint);
  use_plugins();
  const auto data = some_sequences(12);
  const auto exact = logits_of(decoder);
  const auto distance = [&](const char *id, const char *propagation, double sink) {
    const auto what = recipe::from_json(
        {{"quantizer", {{"id", id}, {"config", {{"bits", 3}, {"group_size", 32}}}}},
         {"propagation", propagation},
         {"sink_weight", sink}});
    const auto q = quantize(*checkpoint, decoder, what, &data);
    for (const auto &item : q.summary["linears"]) CHECK(item["output_error"].get<double>() < 0.2);
    return (logits_of(q.decoder) - exact).square().mean().item<double>();
  };
  const double rounded = [&] {
    const auto what = recipe::from_json(
        {{"quantizer", {{"id", "rtn"}, {"config", {{"bits", 3}, {"group_size", 32}}}}}});
    return (logits_of(quantize(*checkpoint, decoder, what).decoder) - exact)
        .square()
        .mean()
        .item<double>();
  }();
  CHECK(distance("gptq", "fp", 0) < rounded);
  CHECK(distance("gptq", "quantized", 0) < rounded);
  CHECK(distance("gptq", "quantized", 0.3) < rounded);
}

TEST_CASE("too few calibration tokens are refused, or allowed on request and listed in the ledger",
          "[calibrate_test]") {
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto decoder = assay::model::decoder::load(*checkpoint);
  use_plugins();
  const auto data = some_sequences(2);  // 47 tokens for widths 64 and 128
  auto what = recipe::from_json({{"quantizer", "gptq"}});
  CHECK_THROWS_WITH(
      quantize(*checkpoint, decoder, what, &data),
      assay_test::contains("calibration has 47 counted tokens for inputs of width 64") &&
          assay_test::contains("allow it with min_token_ratio"));
  what.min_token_ratio = 0;
  CHECK(quantize(*checkpoint, decoder, what, &data).incidents.counts().at("low_rank") == 8);
}

TEST_CASE("adding a recipe that shares statistics costs no forward pass", "[calibrate_test]") {
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto decoder = assay::model::decoder::load(*checkpoint);
  use_plugins();
  forget_statistics();
  const auto data = some_sequences(12);
  int forwards = 0;  // the number of stops (points of the pass) up to which the sequences were run
  quantize_options options;
  options.progress = [&](uint64_t, uint64_t, const std::string &what) {
    forwards += what.rfind("block ", 0) == 0;
  };
  const auto run = [&](const char *id, int bits) {
    const json config = {{"bits", bits}, {"group_size", 32}};
    const json what = {{"quantizer", {{"id", id}, {"config", config}}}, {"propagation", "fp"}};
    quantize(*checkpoint, decoder, recipe::from_json(what), &data, options);
    return std::exchange(forwards, 0);
  };
  CHECK(run("gptq", 4) == 8);  // two blocks of four stops
  for (const char *id : {"gptq", "opt_rtn", "salient", "adaround"}) CHECK(run(id, 3) == 0);
}

TEST_CASE(
    "recipes that share statistics share the pass, and their results stay the same to the bit",
    "[calibrate_test]") {
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto decoder = assay::model::decoder::load(*checkpoint);
  use_plugins();
  forget_statistics();
  const auto data = some_sequences(12);
  const auto run = [&](const char *id, int bits, const assay::model::decoder &model) {
    return quantize(
        *checkpoint, model,
        recipe::from_json(
            {{"quantizer", {{"id", id}, {"config", {{"bits", bits}, {"group_size", 32}}}}},
             {"propagation", "fp"}}),
        &data);
  };
  const auto shared = [](const quantized_model &q) {
    return q.metadata["calibration_pass"]["shared"].get<bool>();
  };
  const auto first = run("gptq", 4, decoder);
  CHECK_FALSE(shared(first));
  const auto second = run("gptq", 4, decoder);
  CHECK(shared(second));
  CHECK(at::equal(logits_of(first.decoder), logits_of(second.decoder)));
  CHECK(shared(run("gptq", 3, decoder)));
  CHECK(shared(run("opt_rtn", 4, decoder)));
  CHECK_FALSE(shared(run("gptq", 4, first.decoder)));  // another model
  const auto alone = run("opt_rtn", 4, decoder);       // a new pass: the last was of another model
  CHECK(at::equal(logits_of(alone.decoder), logits_of(run("opt_rtn", 4, decoder).decoder)));
}
