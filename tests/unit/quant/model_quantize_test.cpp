// Tests quantize and save on a whole tiny model: a recipe that changes nothing, saving and loading without
// loss, counted bits, refusals.
#include "catch.hpp"

#include <filesystem>

#include "checkpoint/compressed_tensors.hpp"
#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/hash.hpp"
#include "quant/export/save.hpp"
#include "quant/quantize.hpp"
#include "quant_harness.hpp"
#include "tiny_model.hpp"

using assay::json;
using assay::quant::recipe;
using namespace quant_test;

namespace {

recipe rtn(json config) {
  return recipe::from_json(
      {{"method", "rtn"}, {"quantizer", {{"id", "rtn"}, {"config", std::move(config)}}}});
}

struct subject {
  temporary_folder root;
  std::string folder;
  std::shared_ptr<assay::model::checkpoint> checkpoint;
  assay::model::decoder decoder;

  explicit subject(bool tied = true)
      : folder(write_tiny_model(root, "tiny", tied)),
        checkpoint(assay::model::checkpoint::open(folder)),
        decoder(assay::model::decoder::load(*checkpoint)) {
    use_plugins();
  }
  assay::quant::quantized_model quantize(const recipe &what) const {
    return assay::quant::quantize(*checkpoint, decoder, what);
  }
};

}  // namespace

TEST_CASE("with the identity recipe, quantize, save and load change no bit of the logits and files",
          "[model_quantize_test]") {
  for (const bool tied : {true, false}) {
    const subject s(tied);
    const auto before = logits_of(s.decoder);
    const auto same = s.quantize(recipe::from_json({{"method", "none"}}));
    CHECK(at::equal(logits_of(same.decoder), before));
    CHECK(same.summary["bits_per_weight"] == 32.0);
    assay::quant::save(same, *s.checkpoint, s.root / "saved");
    const auto loaded = assay::model::checkpoint::open(s.root / "saved");
    CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), before));
    CHECK(assay::read_file(s.root / "saved/config.json") ==
          assay::read_file(s.folder + "/config.json"));
    CHECK(assay::read_file(s.root / "saved/tokenizer.json") ==
          assay::read_file(s.folder + "/tokenizer.json"));
    CHECK(assay::sha256_file_hex(s.root / "saved/model.safetensors") ==
          assay::sha256_file_hex(s.folder + "/model.safetensors"));
  }
}

TEST_CASE("a packed checkpoint comes back with the same codes and the same logits, bit for bit",
          "[model_quantize_test]") {
  const subject s;
  int index = 0;
  for (const int bits : {2, 3, 4, 5, 8})
    for (const bool symmetric : {true, false})
      for (const int group : {-1, 32}) {
        CAPTURE(bits, symmetric, group);
        const auto q =
            s.quantize(rtn({{"bits", bits}, {"symmetric", symmetric}, {"group_size", group}}));
        const std::string folder = s.root / ("packed" + std::to_string(index++));
        // Codes of 3 and 5 bits are written as one string of bits, in which a code may cross the end of a word.
        const assay::json config = {{"dense_packing", bits == 3 || bits == 5}};
        assay::quant::save(q, *s.checkpoint, folder, {"compressed-tensors", config, false});
        const auto loaded = assay::model::checkpoint::open(folder);
        CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
        const assay::model::compressed_tensors_source stored(
            assay::model::open_safetensors_folder(folder), loaded->config(), folder);
        REQUIRE(stored.quantized().size() == q.forms.size());
        for (const auto &[name, form] : q.forms) {
          const auto linear = stored.read(name);
          // The reader gives signed codes: for asymmetric grids the plugin's code minus 2^(bits - 1).
          const int64_t shift = symmetric ? 0 : int64_t{1} << (bits - 1);
          CHECK(at::equal(linear.codes.to(at::kLong), form.find("codes")->to(at::kLong) - shift));
          CHECK(at::equal(linear.scales, *form.find("scales")));
          CHECK(linear.zero_points.defined() == !symmetric);
          if (!symmetric)
            CHECK(at::equal(linear.zero_points.to(at::kLong),
                            form.find("zeros")->to(at::kLong) - shift));
        }
      }
}

TEST_CASE("bits per weight are counted over all parameters", "[model_quantize_test]") {
  const subject s;
  const auto q = s.quantize(rtn({{"bits", 4}, {"symmetric", true}, {"group_size", 32}}));
  const double linears = 2 * (64 * 64 * 2 + 32 * 64 * 2 + 128 * 64 * 3), embedding = 96 * 64,
               norms = 64 * 5;
  const double bits = linears * (4 + 16.0 / 32) + (embedding + norms) * 32;
  CHECK(q.summary["bits_per_weight"].get<double>() == Approx(bits / (linears + embedding + norms)));
  CHECK(q.summary["bits_per_quantized_weight"].get<double>() == Approx(4.5));
  CHECK(q.summary["bytes"] == static_cast<int64_t>(bits / 8));
  CHECK(q.summary["parameters"] == static_cast<int64_t>(linears + embedding + norms));
  CHECK(q.summary["linears"].size() == 14);
  CHECK(q.summary["linears"][0]["name"] == "model.layers.0.self_attn.q_proj");
}

TEST_CASE("kept linears stay float and are named", "[model_quantize_test]") {
  const subject s;
  auto what = rtn({{"bits", 8}, {"group_size", -1}});
  what.keep = {"lm_head", "mlp.down"};
  const auto q = s.quantize(what);
  CHECK(q.forms.size() == 12);
  CHECK(q.summary["kept"] ==
        json({"model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "lm_head"}));
  assay::quant::save(q, *s.checkpoint, s.root / "kept");
  const auto config = assay::read_json_file(s.root / "kept/config.json");
  CHECK(config["quantization_config"]["ignore"] ==
        json({"model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "lm_head"}));
  const auto loaded = assay::model::checkpoint::open(s.root / "kept");
  CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
}

TEST_CASE("two runs give the same bytes", "[model_quantize_test]") {
  const subject s;
  const auto what = rtn({{"bits", 4}, {"group_size", 32}});
  assay::quant::save(s.quantize(what), *s.checkpoint, s.root / "a");
  assay::quant::save(s.quantize(what), *s.checkpoint, s.root / "b");
  for (const char *file : {"model.safetensors", "config.json", "README.md"})
    CHECK(assay::read_file(s.root / ("a/" + std::string(file))) ==
          assay::read_file(s.root / ("b/" + std::string(file))));
}

TEST_CASE("what the format cannot hold is refused by name, before anything is written",
          "[model_quantize_test]") {
  const subject s;
  const auto three = rtn({{"bits", 3}, {"group_size", 32}});
  CHECK_THAT(
      complaint([&] { assay::quant::save(s.quantize(three), *s.checkpoint, s.root / "no"); }),
      assay_test::contains("no exporter can hold this model: compressed_tensors: ") &&
          assay_test::contains(
              "model.layers.0.self_attn.q_proj: 3-bit codes are packed in two ways") &&
          assay_test::contains("and 11 more"));
  CHECK_FALSE(std::filesystem::exists(s.root / "no"));
  const auto reasons = assay::quant::cannot_hold(three, *s.checkpoint, "auto");
  CHECK(reasons.size() == 15);  // one for each of 14 linears, one of the exporter of float models
  const auto ragged = rtn({{"bits", 4}, {"group_size", 48}});
  CHECK_THAT(
      complaint([&] { assay::quant::save(s.quantize(ragged), *s.checkpoint, s.root / "no"); }),
      assay_test::contains("64 columns do not divide into groups of 48"));
  CHECK(assay::quant::cannot_hold(rtn({{"bits", 4}, {"group_size", 32}}), *s.checkpoint, "auto")
            .empty());
  CHECK_THAT(complaint([&] {
               assay::quant::save(s.quantize(rtn({{"bits", 4}, {"group_size", 32}})), *s.checkpoint,
                                  s.root / "no", {"safetensors", json::object(), false});
             }),
             assay_test::contains("plain safetensors hold no quantized linears (there are 14)"));
}

// Consumers (programs that load the folder, such as vLLM) join q, k, v into one matrix.
TEST_CASE("parts that consumers fuse must share one grid", "[model_quantize_test]") {
  const subject s;
  auto what = rtn({{"bits", 4}, {"group_size", 32}});
  what.overrides = {{"attn.k", {{"bits", 8}}}};
  const auto q = s.quantize(what);
  CHECK_THAT(
      complaint([&] { assay::quant::save(q, *s.checkpoint, s.root / "no"); }),
      assay_test::contains("model.layers.0.self_attn q,k,v: these are one matrix for vLLM and "
                           "SGLang but have two grids"));
  assay::quant::save(q, *s.checkpoint, s.root / "mixed",
                     {"compressed-tensors", {{"allow_unfused", true}}, false});
  const auto loaded = assay::model::checkpoint::open(s.root / "mixed");
  CHECK(loaded->config()["quantization_config"]["config_groups"].size() == 2);
  CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
}

TEST_CASE("large models are cut into shards with an index", "[model_quantize_test]") {
  const subject s;
  const auto q = s.quantize(rtn({{"bits", 4}, {"group_size", 32}}));
  assay::quant::save(q, *s.checkpoint, s.root / "shards",
                     {"compressed_tensors", {{"shard_bytes", 20000}}, false});
  const auto index = assay::read_json_file(s.root / "shards/model.safetensors.index.json");
  CHECK(index["metadata"]["total_size"].get<int64_t>() > 0);
  CHECK_FALSE(std::filesystem::exists(s.root / "shards/model.safetensors"));
  const auto loaded = assay::model::checkpoint::open(s.root / "shards");
  CHECK(at::equal(logits_of(assay::model::decoder::load(*loaded)), logits_of(q.decoder)));
}

TEST_CASE("an existing folder is replaced only on request", "[model_quantize_test]") {
  const subject s;
  const auto q = s.quantize(rtn({{"bits", 4}, {"group_size", 32}}));
  assay::quant::save(q, *s.checkpoint, s.root / "there");
  CHECK(complaint([&] { assay::quant::save(q, *s.checkpoint, s.root / "there"); }) != "accepted");
  CHECK(complaint([&] {
          assay::quant::save(q, *s.checkpoint, s.root / "there", {"auto", json::object(), true});
        }) == "accepted");
}

TEST_CASE("a cancelled run ends with an error", "[model_quantize_test]") {
  const subject s;
  assay::request_cancel();
  CHECK_THROWS_AS(s.quantize(rtn({{"bits", 4}})), assay::error);
  assay::clear_cancel();
}

TEST_CASE("wrong recipes are refused with the reason", "[model_quantize_test]") {
  const subject s;
  CHECK_THAT(complaint([&] {
               s.quantize(recipe::from_json({{"quantizer", "rtm"}}));
             }),
             assay_test::contains("rtm"));
  CHECK_THAT(complaint([&] { s.quantize(rtn({{"bit", 4}})); }), assay_test::contains("bit"));
  CHECK_THAT(complaint([&] {
               s.quantize(recipe::from_json({{"quantizer", "gptq"}}));
             }),
             assay_test::contains(
                 "recipe.quantizer: 'gptq' needs calibration data. Give quantize a calibration"));
  CHECK_THAT(complaint([&] {
               auto what = rtn({{"bits", 4}});
               what.keep.clear();
               s.quantize(what);
             }),
             assay_test::contains("or add 'lm_head' to keep"));
}

TEST_CASE("the saved metadata repeats recipe, counts and ledger", "[model_quantize_test]") {
  const subject s;
  const auto what = rtn({{"bits", 4}, {"group_size", 32}});
  assay::quant::save(s.quantize(what), *s.checkpoint, s.root / "meta");
  const auto metadata = assay::read_json_file(s.root / "meta/quantization_metadata.json");
  CHECK(recipe::from_json(metadata["recipe"]).hash() == what.hash());
  CHECK(metadata["linears"].size() == 14);
  CHECK(metadata["ledger"] == json::array());
  CHECK(metadata["summary"]["bits_per_weight"].get<double>() > 4);
  const auto card = assay::read_file(s.root / "meta/README.md");
  CHECK_THAT(card, assay_test::contains("ledger | empty"));
  CHECK_THAT(card, !assay_test::contains("the subject's own card"));
}
