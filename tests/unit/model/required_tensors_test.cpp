// Tests that missing tensors are named, and that a head in the weights is used although config.json ties it to the embedding.
#include "model/required_tensors.hpp"

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "model/describe_model.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

const std::string k_models = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/";

named_tensors tensors_of(const std::string &name) {
  named_tensors out;
  const auto source = open_safetensors_folder(k_models + name);
  for (const tensor_info &info : source->tensors())
    out.emplace_back(info.name, source->tensor(info.name).clone());
  return out;
}

std::shared_ptr<checkpoint> with_tensors(const scratch_folder &folder, const std::string &name,
                                         const named_tensors &tensors) {
  folder.write("config.json", read_file(k_models + name + "/config.json"));
  write_safetensors(folder.file("model.safetensors"), tensors);
  return checkpoint::open(folder.path.string());
}

void drop(named_tensors &tensors, const std::string &text) {
  std::erase_if(tensors,
                [&](const auto &item) { return item.first.find(text) != std::string::npos; });
}

// Loads the model and returns the error as "message|cause|hint"; "" if there is no error.
std::string problem(const checkpoint &source) {
  try {
    decoder::load(source);
  } catch (const error &e) {
    CHECK(e.where() == source.path());
    return e.message() + "|" + e.cause() + "|" + e.hint();
  }
  return "";
}

}  // namespace

TEST_CASE("the required tensors of every golden model are those that it has") {
  for (const auto &item : std::filesystem::directory_iterator(k_models)) {
    INFO(item.path());
    const auto source = checkpoint::open(item.path().string());
    const auto needed = required_tensors(read_decoder_config(*source));
    CHECK(needed.size() == source->tensors().tensors().size());
    for (const required_tensor &tensor : needed) {
      const tensor_info *info = source->tensors().find(tensor.name);
      REQUIRE(info != nullptr);
      CHECK(info->shape == tensor.shape);
    }
  }
}

TEST_CASE(
    "weights that lack tensors are refused: the message names the first, the count and what to "
    "do") {
  const scratch_folder folder;
  named_tensors tensors = tensors_of("llama-gqa-untied");
  drop(tensors, "layers.1.mlp.down_proj");
  const auto one = with_tensors(folder, "llama-gqa-untied", tensors);
  CHECK(problem(*one) ==
        "the weights lack the tensor 'model.layers.1.mlp.down_proj.weight'||The download or the "
        "conversion was not complete, or config.json is another model's: get the model again");
  CHECK(describe_model(*one)["missing_tensors"] == json({"model.layers.1.mlp.down_proj.weight"}));
  CHECK(describe_model(*one)["required_tensors"] == 30);
  drop(tensors, "layers.2.");
  CHECK(problem(*with_tensors(folder, "llama-gqa-untied", tensors)) ==
        "the weights lack the tensor 'model.layers.1.mlp.down_proj.weight'|10 of 30 that "
        "config.json asks for are missing|The download or the conversion was not complete, or "
        "config.json is another model's: get the model again");
  CHECK(describe_model(*checkpoint::open(k_models + "llama-gqa-untied"))["missing_tensors"] ==
        json::array());
}

TEST_CASE("the message about an untied model without a head says how to declare a tied one") {
  const scratch_folder folder;
  named_tensors tensors = tensors_of("llama-gqa-untied");
  drop(tensors, "lm_head");
  CHECK(problem(*with_tensors(folder, "llama-gqa-untied", tensors)) ==
        "the weights lack the tensor 'lm_head.weight'||If the head is the embedding, config.json "
        "must have \"tie_word_embeddings\": true");
}

// "The class" is the configuration class of the model's family in transformers. For Llama its id is 2.
TEST_CASE("the class's end-of-text id is used only if no file of the folder has one") {
  const scratch_folder folder;
  json config = read_json_file(k_models + "llama-gqa-untied/config.json");
  config.erase("eos_token_id");
  folder.write("config.json", config.dump());
  write_safetensors(folder.file("model.safetensors"), tensors_of("llama-gqa-untied"));
  const auto ids = [&] {
    return decoder::load(*checkpoint::open(folder.path.string())).config().eos_ids;
  };
  CHECK(ids() == std::vector<int64_t>{2});
  folder.write("generation_config.json", R"({"eos_token_id": [7, 9]})");
  CHECK(ids() == std::vector<int64_t>{7, 9});
}

TEST_CASE("a head in the weights wins over the flag that ties it, unless it equals the embedding") {
  const at::Tensor ids = at::arange(12).reshape({1, 12});
  const std::string name = "qwen2-tied";
  named_tensors tensors = tensors_of(name);
  const at::Tensor table = [&] {
    for (const auto &[tensor, value] : tensors)
      if (tensor == "model.embed_tokens.weight") return value;
    return at::Tensor();
  }();
  const decoder plain = decoder::load(*checkpoint::open(k_models + name));
  {
    const scratch_folder folder;
    named_tensors equal = tensors;
    equal.emplace_back("lm_head.weight", table.to(at::kFloat));  // the same numbers, another dtype
    const auto source = with_tensors(folder, name, equal);
    const decoder model = decoder::load(*source);
    CHECK(model.config().tied);
    CHECK_FALSE(model.config().untied_by_weights);
    CHECK(model.logits(model.hidden(ids)).equal(plain.logits(plain.hidden(ids))));
    CHECK(describe_model(*source)["untied_by_weights"] == false);
  }
  const scratch_folder folder;
  const at::Tensor head = table.neg().contiguous();
  named_tensors own = tensors;
  own.emplace_back("lm_head.weight", head);
  const auto source = with_tensors(folder, name, own);
  for (const bool on_demand : {false, true}) {
    const decoder model = on_demand ? decoder::load_on_demand(source) : decoder::load(*source);
    CHECK_FALSE(model.config().tied);
    CHECK(model.config().untied_by_weights);
    CHECK(model.outer_weight("lm_head").equal(head.to(at::kFloat)));
    CHECK(model.outer_weight("model.embed_tokens").equal(table.to(at::kFloat)));
  }
  const decoder model = decoder::load(*source);
  CHECK(model.logits(model.hidden(ids)).allclose(-plain.logits(plain.hidden(ids)), 1e-5, 1e-5));
  const json described = describe_model(*source);
  CHECK(described["tied"] == false);
  CHECK(described["untied_by_weights"] == true);
  CHECK(described["parameters"] ==
        describe_model(*checkpoint::open(k_models + name))["parameters"].get<int64_t>() +
            head.numel());
}
