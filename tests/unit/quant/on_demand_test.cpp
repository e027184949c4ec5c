// Tests that a model which is read block by block, to save memory, gives the same files as one that is read at once.
#include "catch.hpp"

#include <filesystem>

#include "core/error.hpp"
#include "core/file.hpp"
#include "quant/export/export_plan.hpp"
#include "quant/export/save.hpp"
#include "tiny_subject.hpp"

using assay::json;
using namespace assay::quant;
using namespace quant_test;

namespace {

recipe recipe_of(const std::string &id, const std::string &propagation) {
  json config = {{"bits", 4}, {"group_size", 32}};
  if (id == "autoround") config["iterations"] = 3;
  return recipe::from_json({{"quantizer", {{"id", id}, {"config", config}}},
                            {"propagation", propagation},
                            {"min_token_ratio", 0}});
}

// The results of a run: all tensors that an exporter gets, the weights' file where a format can hold them (else ""),
// and what the summary says of each linear.
struct outcome {
  std::string items, file;
  json linears;
};

void add(std::string &bytes, const at::Tensor &tensor) {
  const auto plain = tensor.contiguous();
  bytes.append(static_cast<const char *>(plain.const_data_ptr()), plain.nbytes());
}

// Returns the config and all names and bytes that an exporter would get, as one string to compare.
std::string items_of(const quantized_model &q, const assay::model::checkpoint &subject) {
  model_export_source source(q, subject);
  std::string bytes = source.file("config.json");
  while (const auto *item = source.next()) {
    bytes += item->name;
    if (item->tensor) add(bytes, assay::plug::borrow(*item->tensor));
    if (!item->form) continue;
    for (const auto &part : q.form(item->name).tensors) add(bytes += part.role, part.tensor);
  }
  return bytes;
}

outcome outcome_of(const std::string &model, const recipe &what, bool on_demand,
                   const std::string &folder, const std::string &resume) {
  const auto checkpoint = assay::model::checkpoint::open(model);
  const auto decoder = on_demand ? assay::model::decoder::load_on_demand(checkpoint)
                                 : assay::model::decoder::load(*checkpoint);
  const auto data = tiny_calibration(8, 24, 11);
  quantize_options options;
  options.resume = resume;
  const auto q = quantize(*checkpoint, decoder, what, &data, options);
  outcome out{items_of(q, *checkpoint), "", q.summary["linears"]};
  if (!cannot_hold(what, *checkpoint, "auto").empty()) return out;
  save(q, *checkpoint, folder, {});
  out.file = assay::read_file(folder + "/model.safetensors");
  return out;
}

// Quantizes the model in three ways, which must give the same files: read at once, read on demand, and
// on demand a second time, where all blocks are taken from the resume folder.
void require_same_files(const std::string &model, const recipe &what, const std::string &at) {
  const auto whole = outcome_of(model, what, false, at + "-whole", "");
  const auto streamed = outcome_of(model, what, true, at + "-streamed", at + "-resume");
  // No format can hold a quantized embedding or head, since other programs read them as floats.
  CHECK(whole.file.empty() == (what.embeddings || !is_kept(what, "lm_head", "lm_head")));
  CHECK((streamed.items == whole.items));  // the extra brackets keep Catch2 from printing it
  CHECK((streamed.file == whole.file));
  CHECK(streamed.linears == whole.linears);
  const auto restored = outcome_of(model, what, true, at + "-restored", at + "-resume");
  CHECK((restored.items == whole.items));
  CHECK((restored.file == whole.file));
}

void require_same_files(const std::string &model, const std::vector<json> &recipes,
                        const std::string &at) {
  int n = 0;
  for (auto given : recipes) {
    given["min_token_ratio"] = 0;
    CAPTURE(given.dump());
    const auto what = recipe::from_json(given);
    CHECK(needs_whole_model(what) == "");
    require_same_files(model, what, at + std::to_string(n++));
  }
}

json quantizer(const char *id, int bits = 4, int group_size = 32) {
  return {{"id", id}, {"config", {{"bits", bits}, {"group_size", group_size}}}};
}

}  // namespace

TEST_CASE("a model that is read on demand gives the same files as one that is read whole",
          "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  int n = 0;
  for (const auto &[id, propagation] : {std::pair{"gptq", "quantized"},
                                        {"gptq", "fp"},
                                        {"gptaq", "asymmetric"},
                                        {"autoround", "asymmetric"}}) {
    CAPTURE(id, propagation);
    require_same_files(model, recipe_of(id, propagation), root / std::to_string(n++));
  }
}

TEST_CASE("transforms that go block by block give the same files on demand", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  const json rtn = quantizer("rtn"), gptq = quantizer("gptq");
  const auto with = [](std::vector<std::pair<const char *, json>> list) {
    json out = json::array();
    for (const auto &[id, config] : list) out.push_back({{"id", id}, {"config", config}});
    return out;
  };
  const json parent = {{"loss", "parent"}, {"loss_tokens", 64}, {"clip", "asymmetric"}};
  const std::vector<json> recipes = {
      {{"transforms", with({{"awq", json::object()}})}, {"quantizer", rtn}},
      {{"transforms", with({{"awq", parent}})}, {"quantizer", gptq}, {"propagation", "quantized"}},
      {{"transforms",
        with({{"smoothquant", {{"attention", "head"}}}, {"awq_sqrt", json::object()}})},
       {"quantizer", gptq},
       {"activation", {{"bits", 8}}},
       {"keep", {"lm_head", "attn.o"}}}};  // a kept linear is saved after transforms
  require_same_files(model, recipes, root / "t");
}

TEST_CASE("calibrated scales of inputs, keys and values are the same on demand",
          "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  const json rtn = quantizer("rtn", 8, -1), gptq = quantizer("gptq", 8, -1);
  const json fp8_tensor = {{"type", "fp8"}, {"strategy", "tensor"}};
  const std::vector<json> recipes = {
      {{"quantizer", rtn}, {"activation", {{"bits", 8}, {"strategy", "tensor"}}}},
      {{"quantizer", gptq},
       {"activation", {{"bits", 8}, {"strategy", "tensor"}, {"symmetric", false}}},
       {"keep", {"lm_head", "mlp.down"}}},
      {{"quantizer", gptq}, {"kv", fp8_tensor}},
      {{"quantizer",
        rtn},  // needs no statistics of inputs, so only the pass for keys and values runs
       {"kv", {{"type", "fp8"}, {"strategy", "head"}}},
       {"keep", {"lm_head", "re:model.layers.0.*"}}},
      {{"transforms", {{{"id", "smoothquant"}}}},
       {"quantizer", gptq},
       {"propagation", "fp"},
       {"activation", {{"bits", 8}, {"strategy", "tensor"}}},
       {"kv", fp8_tensor}}};
  require_same_files(model, recipes, root / "s");
}

TEST_CASE("a quantized embedding or head is the same on demand, tied or not", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const json rtn = quantizer("rtn"), gptq = quantizer("gptq");
  const json none = json::array();
  const json kv = {{"type", "fp8"}, {"strategy", "tensor"}};  // measured with the new embedding
  for (const bool tied : {true, false}) {
    const auto model = write_tiny_model(root, tied ? "tied" : "untied", tied);
    std::vector<json> recipes = {
        {{"quantizer", gptq}, {"embeddings", true}, {"keep", none}, {"kv", kv}},
        {{"quantizer", gptq}, {"embeddings", true}, {"propagation", "asymmetric"}},
        {{"quantizer", rtn}, {"embeddings", true}, {"keep", none}},
        {{"transforms", {{{"id", "awq"}}}}, {"quantizer", rtn}, {"embeddings", true}}};
    if (!tied) recipes.push_back({{"quantizer", gptq}, {"keep", none}, {"propagation", "fp"}});
    CAPTURE(tied);
    require_same_files(model, recipes, root / (tied ? "e-tied" : "e-untied"));
  }
}

TEST_CASE("biases are corrected to the same bytes on demand", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto model = write_tiny_model(root);
  const json rtn = quantizer("rtn"), gptq = quantizer("gptq");
  const json correction = {{"id", "bias_correction"}}, awq = {{"id", "awq"}};
  const std::vector<json> recipes = {
      {{"transforms", json::array({correction})},
       {"quantizer", rtn},
       {"keep", {"lm_head", "attn.o"}}},
      {{"transforms", json::array({awq, correction})},
       {"quantizer", gptq},
       {"activation", {{"bits", 8}}}},
      {{"transforms", json::array({correction})},
       {"quantizer", gptq},
       {"embeddings", true},  // the correction's pass starts from the quantized embedding
       {"kv", {{"type", "fp8"}, {"strategy", "tensor"}}}}};
  require_same_files(model, recipes, root / "b");
}

TEST_CASE("rotations give the same bytes for a model read on demand", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const json rtn = quantizer("rtn"), gptq = quantizer("gptq");
  const json offline = {{"id", "rotation"}, {"config", {{"r4", false}}}};
  const json values = {{"id", "rotation"}, {"config", {{"r1", false}, {"r4", false}}}};
  const json awq = {{"id", "awq"}}, correction = {{"id", "bias_correction"}};
  for (const bool tied : {true, false}) {
    const auto model = write_tiny_model(root, tied ? "tied" : "untied", tied);
    const std::vector<json> recipes = {
        {{"transforms", json::array({offline})}, {"quantizer", rtn}},
        {{"transforms", json::array({values})}, {"quantizer", gptq}},
        {{"transforms", json::array({offline, awq, correction})}, {"quantizer", gptq}},
        {{"transforms", json::array({awq, offline})},
         {"quantizer", gptq},
         {"propagation", "asymmetric"},
         {"kv", {{"type", "fp8"}, {"strategy", "head"}}},
         {"embeddings", true},  // both embedding and head are rotated
         {"keep", json::array({"mlp.down"})}}};
    CAPTURE(tied);
    require_same_files(model, recipes, root / (tied ? "r-tied" : "r-untied"));
  }
}

TEST_CASE("rotations at run time are the same for a model read on demand", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto data = tiny_calibration(8, 24, 11);
  const auto what = recipe::from_json({{"transforms", {{{"id", "rotation"}}}},
                                       {"quantizer", quantizer("gptq")},
                                       {"min_token_ratio", 0}});
  quantize_options options;
  options.resume = root / "resume";
  const auto whole = quantize(*checkpoint, assay::model::decoder::load(*checkpoint), what, &data);
  const auto streamed = quantize(*checkpoint, assay::model::decoder::load_on_demand(checkpoint),
                                 what, &data, options);
  CHECK(streamed.online == whole.online);
  // Besides the notes, these entries say how far the logits moved.
  CHECK(streamed.metadata["transforms"] == whole.metadata["transforms"]);
  for (const auto &name : whole.order)
    CHECK(at::equal(*streamed.form(name).find("codes"), *whole.forms.at(name).find("codes")));
}

TEST_CASE("a rotation that changes the logits too much is refused with the same text on demand",
          "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  const auto what = recipe::from_json({{"transforms", {{{"id", "rotation"}}}}});
  assay::model::load_options coarse;
  coarse.dtype = at::kBFloat16;  // rotated weights lose bits by rounding
  quantize_options options;
  options.resume = root / "resume";
  const auto refusal_of = [&](const assay::model::decoder &decoder) -> std::string {
    try {
      quantize(*checkpoint, decoder, what, nullptr, options);
    } catch (const assay::error &refusal) {
      return refusal.what();
    }
    return "";
  };
  const auto whole = refusal_of(assay::model::decoder::load(*checkpoint, coarse));
  CHECK_THAT(whole, assay_test::contains("the model's function moved by 0.0"));
  CHECK(refusal_of(assay::model::decoder::load_on_demand(checkpoint, coarse)) == whole);
}

// A form has the codes and scales of a quantized linear. A block that is not in memory has meta
// tensors: shapes without data.
TEST_CASE("without calibration, forms stay in memory and blocks do not", "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  for (const char *id : {"rtn", "hqq", "fp8"}) {
    CAPTURE(id);
    const auto what = recipe::from_json({{"quantizer", {{"id", id}}}});
    const auto whole = quantize(*checkpoint, assay::model::decoder::load(*checkpoint), what);
    const auto streamed =
        quantize(*checkpoint, assay::model::decoder::load_on_demand(checkpoint), what);
    CHECK((items_of(streamed, *checkpoint) == items_of(whole, *checkpoint)));
    CHECK(streamed.decoder.block(0).q.weight.is_meta());
    auto again = streamed.decoder;
    again.bring_in(1);  // with its quantized weights
    CHECK(at::equal(again.block(1).down.weight, whole.decoder.block(1).down.weight));
  }
}

TEST_CASE("only tuning needs the whole model", "[on_demand_test]") {
  use_plugins();
  const json transforms = {{{"id", "rotation"}}, {{"id", "awq"}}, {{"id", "bias_correction"}}};
  CHECK(needs_whole_model(recipe::from_json({{"transforms", transforms}})) == "");
  CHECK(needs_whole_model(recipe::from_json({{"tune", {{"steps", 1}}}})) == "a tune");
}

TEST_CASE(
    "a model read on demand holds no weights of blocks, and refuses what would have to run it",
    "[on_demand_test]") {
  use_plugins();
  const temporary_folder root;
  const auto checkpoint = assay::model::checkpoint::open(write_tiny_model(root));
  auto decoder = assay::model::decoder::load_on_demand(checkpoint);
  const auto whole = assay::model::decoder::load(*checkpoint);
  CHECK(decoder.n_parameters() == whole.n_parameters());
  CHECK(decoder.block(1).down.weight.is_meta());
  decoder.bring_in(1);
  CHECK(at::equal(decoder.block(1).down.weight, whole.block(1).down.weight));
  CHECK(decoder.block(0).down.weight.is_meta());
  decoder.let_go(1);
  CHECK(decoder.block(1).down.weight.is_meta());
  const auto ids = tiny_ids(2, 5, 3);
  CHECK(at::equal(decoder.embed(ids), whole.embed(ids)));
  CHECK_THROWS_WITH(decoder.hidden(ids),
                    assay_test::contains("opened to be quantized block by block and does not run"));
  const auto data = tiny_calibration(8, 24, 11);
  const auto tuned = recipe::from_json({{"quantizer", {{"id", "rtn"}}}, {"tune", {{"steps", 1}}}});
  CHECK_THROWS_WITH(quantize(*checkpoint, decoder, tuned, &data),
                    assay_test::contains("read block by block cannot take a tune"));
  const auto table = recipe::from_json({{"quantizer", {{"id", "rtn"}}}, {"embeddings", true}});
  CHECK_THROWS_WITH(quantize(*checkpoint, decoder, table, &data),
                    assay_test::contains("needs a folder on disk for its quantized embedding"));
}
