// Tests the exporter gguf: each grid is stored in the expected type of GGUF block and comes back bit for bit, the same
// model gives the same bytes, and what a file cannot hold is refused by name.
#include "catch.hpp"

#include "checkpoint/gguf/gguf_file.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "quant/export/save.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;
using assay_test::contains;

namespace {

// A byte-level tokenizer of the 94 printable characters; two rows of the embedding have no token.
std::string small_tokenizer() {
  json vocab = json::object();
  for (int i = 0; i < 94; ++i) vocab[std::string(1, static_cast<char>(33 + i))] = i;
  return json{
      {"added_tokens", json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", json::array()}}}}
      .dump();
}

struct model_in_work : tiny_subject {
  model_in_work() : tiny_subject(4) {
    assay::write_file_atomically(root / "tiny/tokenizer.json", small_tokenizer());
  }
  // Writes the model as GGUF and opens the file.
  std::shared_ptr<assay::model::checkpoint> written(const quantized_model &q,
                                                    const json &config) const {
    save(q, *checkpoint, root / "out", {"gguf", config, true});
    return assay::model::checkpoint::open(root / "out/model.gguf");
  }
  std::string reason(const json &recipe_json, const json &config = json::object()) const {
    const auto all = cannot_hold(recipe::from_json(recipe_json), *checkpoint, "gguf", config);
    return all.empty() ? "" : all.front();
  }
};

json rtn(int bits, int group, bool symmetric = true, const char *scales = "float16") {
  return {{"quantizer",
           {{"id", "rtn"},
            {"config",
             {{"bits", bits},
              {"group_size", group},
              {"symmetric", symmetric},
              {"scale_dtype", scales}}}}}};
}

const json k_exact = json::object(), k_wider = {{"fit", "wider"}}, k_rounded = {{"fit", "rounded"}};

at::Tensor weight_of(const quantized_model &q, const std::string &linear) {
  for (const auto *one : q.decoder.linears())
    if (one->name == linear) return one->weight;
  FAIL("there is no linear " + linear);
  return {};
}

const assay::model::tensor_info &info_of(const assay::model::checkpoint &file, const char *name) {
  return *file.tensors().find(name);
}

}  // namespace

TEST_CASE("each grid is stored in the expected type of GGUF block and comes back bit for bit",
          "[gguf_export_test]") {
  const model_in_work m;
  struct asked {
    json recipe, config;
    const char *block;
  };
  const std::vector<asked> all = {{rtn(4, 32), k_exact, "Q4_0"},
                                  {rtn(4, 64), k_exact, "Q4_0"},
                                  {rtn(4, -1), k_exact, "Q4_0"},
                                  {rtn(4, 96), k_exact, "Q4_0"},  // the last group is short
                                  {rtn(5, 32), k_exact, "Q5_0"},
                                  {rtn(8, 32), k_exact, "Q8_0"},
                                  {rtn(8, -1), k_exact, "Q8_0"},
                                  {rtn(2, 32), k_wider, "Q4_0"},
                                  {rtn(3, 32), k_wider, "Q4_0"},
                                  {rtn(3, 32, false), k_wider, "Q4_0"},
                                  {rtn(4, 32, false), k_wider, "Q5_0"},
                                  {rtn(5, 32, false), k_wider, "Q8_0"},
                                  {rtn(6, 32), k_wider, "Q8_0"},
                                  {rtn(7, 32, false), k_wider, "Q8_0"}};
  for (const auto &[recipe, config, block] : all) {
    CAPTURE(recipe.dump());
    CHECK(m.reason(recipe, config).empty());
    const auto q = m.run(recipe);
    const auto file = m.written(q, config);
    CHECK(info_of(*file, "model.layers.0.self_attn.q_proj.weight").stored == block);
    const auto read = assay::model::decoder::load(*file);
    for (int64_t i = 0; i < 2; ++i)
      for (const char *part :
           {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
            "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"}) {
        const std::string name = "model.layers." + std::to_string(i) + "." + part;
        CHECK(at::equal(file->tensors().tensor(name + ".weight"), weight_of(q, name)));
      }
    CHECK(at::equal(logits_of(read), logits_of(q.decoder)));
  }
}

TEST_CASE("a quantized embedding, which is the head too, comes back bit for bit",
          "[gguf_export_test]") {
  const model_in_work m;
  json recipe = rtn(8, 32);
  recipe["embeddings"] = true;
  recipe["keep"] = json::array();
  const auto q = m.run(recipe);
  const auto file = m.written(q, k_exact);
  CHECK(info_of(*file, "model.embed_tokens.weight").stored == "Q8_0");
  CHECK(at::equal(logits_of(assay::model::decoder::load(*file)), logits_of(q.decoder)));
}

TEST_CASE("biases and norms that a transform changes come back from the file",
          "[gguf_export_test]") {
  const model_in_work m;
  for (const char *transform : {"bias_correction", "awq", "smoothquant"}) {
    CAPTURE(transform);
    json recipe = rtn(4, 32);
    recipe["transforms"] = json::array({transform});
    const auto q = m.run(recipe);
    const auto read = assay::model::decoder::load(*m.written(q, k_exact));
    CHECK(at::equal(logits_of(read), logits_of(q.decoder)));
  }
  json turned = rtn(4, 32);
  turned["transforms"] = {{{"id", "rotation"}, {"config", {{"r4", true}}}}};
  CHECK_THAT(m.reason(turned), contains("llama.cpp does not run this operation"));
}

TEST_CASE("minima are rounded to float16 only if that is asked for", "[gguf_export_test]") {
  const model_in_work m;
  const auto hqq = [](int bits) {
    return json{{"quantizer", {{"id", "hqq"}, {"config", {{"bits", bits}, {"group_size", 32}}}}}};
  };
  const std::pair<int, json> all[] = {
      {4, rtn(4, 32, false)}, {5, rtn(5, 32, false)}, {2, hqq(2)}, {4, hqq(4)}, {5, hqq(5)}};
  for (const auto &[bits, recipe] : all) {
    CAPTURE(recipe.dump());
    const auto q = m.run(recipe);
    const auto file = m.written(q, k_rounded);
    const std::string name = "model.layers.1.mlp.down_proj";
    CHECK(info_of(*file, (name + ".weight").c_str()).stored == (bits <= 4 ? "Q4_1" : "Q5_1"));
    const auto want = weight_of(q, name);
    const auto difference =
        (file->tensors().tensor(name + ".weight") - want).abs().max().item<float>();
    const json metadata = assay::read_json_file(m.root / "out/quantization_metadata.json");
    CHECK(metadata["ledger"].back()["kind"] == "rounded_minima");
    // The file is larger than counted where codes of 2 bits take 4, or where the zeros of rtn, which have 4 or 5 bits,
    // become minima of 16 bits. The zeros of hqq have 16 bits already.
    const bool larger = bits == 2 || recipe["quantizer"]["id"] == "rtn";
    CHECK((metadata["ledger"][0]["kind"] == "larger_in_file") == larger);
    CHECK(difference > 0);
    CHECK(difference <= want.abs().max().item<float>() / 1024);  // float16: 11 bits
  }
}

TEST_CASE("the same model gives the same bytes, and its metadata say what it is",
          "[gguf_export_test]") {
  const model_in_work m;
  const auto q = m.run(rtn(4, 32));
  save(q, *m.checkpoint, m.root / "one", {"gguf", k_exact, false});
  save(q, *m.checkpoint, m.root / "two", {"gguf", k_exact, false});
  CHECK(assay::read_file(m.root / "one/model.gguf") == assay::read_file(m.root / "two/model.gguf"));
  const auto file = assay::model::gguf_file::open(m.root / "one/model.gguf");
  CHECK(file->text("general.architecture") == "llama");
  CHECK(file->number("general.file_type") == 2);  // mostly Q4_0
  CHECK(file->number("general.quantization_version") == 2);
  CHECK(file->number("llama.context_length") == 256);
  CHECK(file->real("llama.attention.layer_norm_rms_epsilon", 0) == 1e-5);
  CHECK(file->find("tokenizer.ggml.tokens")->texts.size() == 96);
  CHECK(file->find("tokenizer.ggml.tokens")->texts[95] == "[PAD95]");
  CHECK(file->find("tokenizer.ggml.token_type")->numbers[95] == 5);
  for (const auto &tensor : file->tensors()) CHECK(tensor.name != "output.weight");  // tied
}

TEST_CASE("what a GGUF file cannot hold is refused by name", "[gguf_export_test]") {
  const model_in_work m;
  CHECK_THAT(m.reason(rtn(4, 16)), contains("groups of 16 are no multiple of 32"));
  CHECK_THAT(m.reason(rtn(3, 32)), contains("set fit = \"wider\" to store it in Q4_0"));
  CHECK_THAT(m.reason(rtn(4, 32, false)), contains("or fit = \"rounded\" for Q4_1"));
  CHECK_THAT(m.reason(rtn(8, 32, false), k_wider),
             contains("no block holds an asymmetric grid of 8 bits"));
  CHECK_THAT(m.reason(rtn(4, 32, true, "float32")),
             contains("a block has a float16 scale, not float32"));
  CHECK_THAT(m.reason({{"quantizer", "hqq"}}), contains("set fit = \"rounded\""));
  CHECK_THAT(m.reason({{"quantizer", "fp8"}}), contains("blocks hold integer grids, not float/1"));
  CHECK_THAT(m.reason({{"quantizer", "codebook"}}), contains("integer grids, not codebook/1"));
  json rounded = rtn(8, -1);
  rounded["activation"] = {{"bits", 8}};
  CHECK_THAT(m.reason(rounded), contains("scheme.activation: a GGUF file holds no scheme"));
  CHECK(m.reason(rtn(4, 32)).empty());
}

TEST_CASE("if the file takes more bits than are counted for the model, the ledger says so",
          "[gguf_export_test]") {
  const model_in_work m;
  const auto events = [&](const json &recipe, const json &config) {
    return save(m.run(recipe), *m.checkpoint, m.root / "out", {"gguf", config, true})["ledger"];
  };
  CHECK(events(rtn(4, 32), k_exact).empty());
  CHECK(events(rtn(8, 32), k_exact).empty());
  CHECK(events(rtn(3, 32), k_wider)[0]["data"]["count"] == 14);
  CHECK(events(rtn(4, 64), k_exact)[0]["kind"] == "larger_in_file");  // two scales for each group
}

TEST_CASE("if a GGUF file cannot hold the tokenizer, the export writes no folder",
          "[gguf_export_test]") {
  const model_in_work m;
  const auto q = m.run(rtn(4, 32));
  const auto refused = [&](const std::string &tokenizer) {
    assay::write_file_atomically(m.root / "tiny/tokenizer.json", tokenizer);
    const auto why = complaint([&] {
      save(q, *m.checkpoint, m.root / "none", {"gguf", k_exact, false});
    });
    CHECK(!std::filesystem::exists(m.root / "none"));
    return why;
  };
  json tokenizer = json::parse(small_tokenizer());
  tokenizer["normalizer"] = {{"type", "Lowercase"}};
  CHECK_THAT(refused(tokenizer.dump()),
             contains("llama.cpp has no name for the normalizer Lowercase"));
  tokenizer["normalizer"] = nullptr;
  tokenizer["model"]["vocab"]["too far"] = 96;
  CHECK_THAT(refused(tokenizer.dump()), contains("the token 'too far' has the id 96"));
  CHECK_THAT(refused("{\"model\": {\"type\": \"Unigram\"}}"), contains("of the type 'Unigram'"));
  CHECK_THAT(refused("{"), contains("tokenizer.json: unexpected end"));
}
