// Tests LoRA adapters as PEFT writes them: parts for head and embedding, names, defaults, and refusals that say what to do.
// A "table" in the names of tests is an outer weight: the embedding or the head.

#include <limits>

#include "aten.hpp"
#include "catch.hpp"
#include "checkpoint/lora.hpp"
#include "checkpoint/safetensors.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

const std::string k_golden = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/";
const std::string k_base = k_golden + "models/llama-gqa-untied",
                  k_tied = k_golden + "models/qwen2-tied";
const std::string k_prefix = "base_model.model.";
const std::string k_q = "model.layers.0.self_attn.q_proj";

// An adapter that can be written to a folder, with a usual configuration. A test may change `config`; update() adds
// the two tensors of one module.
struct adapter {
  json config = {{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}};
  named_tensors tensors;
  scratch_folder folder;

  adapter &update(const std::string &module, int64_t in, int64_t out,
                  const std::string &name = "") {
    const std::string dot = name.empty() ? "" : "." + name;
    const std::string stem = k_prefix + module;
    tensors.emplace_back(stem + ".lora_A" + dot + ".weight", at::ones({2, in}));
    tensors.emplace_back(stem + ".lora_B" + dot + ".weight", at::full({out, 2}, 0.5));
    return *this;
  }
  std::shared_ptr<checkpoint> open(const std::string &base = k_base) const {
    folder.write("adapter_config.json", config.dump());
    write_safetensors(folder.file("adapter_model.safetensors"), tensors);
    return open_lora(folder.path.string(), base);
  }
  // Loads `base` with the adapter and returns the error as "message|hint".
  std::string problem(const std::string &base = k_base) const {
    try {
      decoder::load(*open(base));
    } catch (const error &e) {
      CHECK(e.where() == folder.path.string());
      return e.message() + "|" + e.hint();
    }
    return "";
  }
};

const std::string k_merge =
    "|Merge it first: PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained("
    "folder) with PEFT, and give that folder";

at::Tensor base_tensor(const std::string &name) {
  return checkpoint::open(k_base)->tensors().tensor(name);
}

}  // namespace

TEST_CASE("adapters of head and embedding, and absent r and lora_alpha, give PEFT's logits") {
  for (const char *name : {"head", "embedding", "defaults"}) {
    INFO(name);
    const auto golden = open_safetensors_file(k_golden + "lora/" + name + "/golden.safetensors");
    const auto merged = open_lora(k_golden + "lora/" + name, k_base);
    const at::Tensor expected = golden->tensor("logits");
    const decoder model = decoder::load(*merged);
    const at::Tensor logits = model.logits(model.hidden(golden->tensor("ids")));
    CHECK(((logits - expected).abs().max() / expected.abs().max()).item<double>() < 2e-5);
    CHECK((expected - golden->tensor("base_logits")).abs().max().item<double>() > 0.1);
    CHECK(merged->tensors()
              .rows("model.embed_tokens.weight", at::tensor({5, 0}, at::kLong))
              .equal(model.embedding().index_select(0, at::tensor({5, 0}, at::kLong))));
  }
}

TEST_CASE(
    "an adapter's name inside tensor names is ignored, and a file with two adapters is refused") {
  adapter plain, named;
  plain.update(k_q, 32, 32);
  named.update(k_q, 32, 32, "default");
  CHECK(named.open()
            ->tensors()
            .tensor(k_q + ".weight")
            .equal(plain.open()->tensors().tensor(k_q + ".weight")));
  named.update("model.layers.1.self_attn.q_proj", 32, 32, "other");
  CHECK(named.problem() == "the file holds two adapters, 'default' and 'other'" + k_merge);
}

TEST_CASE("an adapter's copy of an outer weight must equal the base's") {
  adapter one;
  one.update("lm_head", 32, 96);
  const at::Tensor head = base_tensor("lm_head.weight");
  const std::string stored = k_prefix + "lm_head.base_layer.weight";
  one.tensors.emplace_back(stored, head.to(at::kDouble));
  const at::Tensor expected = head + at::full({96, 32}, 2.0);
  CHECK(one.open()->tensors().tensor("lm_head.weight").allclose(expected, 1e-6, 1e-6));
  one.tensors.back().second = head + 1;
  CHECK(one.problem() ==
        "the adapter's matrix '" + stored +
            "' differs from 'lm_head.weight' of the base: it was trained, resized, "
            "or made for another base" +
            k_merge);
  one.tensors.back() = {k_prefix + "lm_head.weight", at::ones({97, 32})};
  CHECK(one.problem().starts_with("the adapter's matrix '" + k_prefix + "lm_head.weight' differs"));
}

TEST_CASE("an adapter of a table that is both embedding and head is refused") {
  const std::string hint =
      "|Give the base a head of its own first: a copy of the embedding as lm_head.weight, and "
      "\"tie_word_embeddings\": false";
  adapter head, table;
  head.update("lm_head", 32, 96);
  CHECK(head.problem(k_tied) ==
        "the adapter changes 'lm_head', and the base has one matrix for embedding and head" + hint);
  const std::string stem = k_prefix + "model.embed_tokens.lora_embedding_";
  table.tensors = {{stem + "A", at::ones({2, 96})}, {stem + "B", at::ones({32, 2})}};
  CHECK(table.problem(k_tied) ==
        "the adapter changes 'model.embed_tokens', and the base has one matrix for embedding and "
        "head" +
            hint);
}

TEST_CASE("NaN in an adapter is named with its tensor") {
  adapter broken;
  broken.update(k_q, 32, 32);
  broken.tensors[1].second[3][1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(broken.problem() == "the adapter's tensor '" + k_prefix + k_q +
                                ".lora_B.weight' holds NaN or infinity|Its training diverged, or "
                                "the file is damaged");
}

TEST_CASE("wrong values in adapter_config.json are refused, and the message names the key") {
  const auto with = [](const json &keys) {
    adapter one;
    one.config.update(keys);
    return one.update(k_q, 32, 32).problem();
  };
  const std::string copy = "|Copy the adapter_config.json that PEFT wrote";
  CHECK(with({{"lora_alpha", nullptr}}) ==
        "adapter_config.json: 'lora_alpha' is not a number" + copy);
  CHECK(with({{"r", "4"}}) == "adapter_config.json: 'r' is not a number" + copy);
  CHECK(with({{"r", 0}}) == "adapter_config.json: 'r' must be at least 1" + copy);
  CHECK(with({{"use_rslora", "yes"}}) ==
        "adapter_config.json: 'use_rslora' is not true or false" + copy);
  CHECK(with({{"alpha_pattern", {{"q_proj", nullptr}}}}) ==
        "adapter_config.json: alpha_pattern of 'q_proj' is not a number" + copy);
  CHECK(with({{"rank_pattern", nullptr}, {"use_rslora", nullptr}}).empty());
  CHECK(with({{"peft_type", nullptr}}) ==
        "adapter_config.json: peft_type null is not supported" + k_merge);
}

TEST_CASE(
    "every switch of a LoraConfig that changes the weights is refused, and the message says what "
    "to do") {
  const std::pair<const char *, json> switches[] = {
      {"modules_to_save", {"lm_head"}},
      {"use_dora", true},
      {"lora_bias", true},
      {"trainable_token_indices", {1, 2}},
      {"layer_replication", json::array({{0, 2}})},
      {"target_parameters", {"mlp.experts.gate_up_proj"}},
      {"use_qalora", true},
      {"use_bdlora", {{"nblocks", 2}}},
      {"monteclora_config", {{"a", 1}}},
      {"velora_config", {{"num_groups", 64}}},
      {"kasa_config", {{"beta", 1e-4}}},
      {"corda_config", {{"corda_method", "ipm"}}},
      {"lora_ga_config", {{"a", 1}}},
      {"loftq_config", {{"loftq_bits", 4}}},
      {"megatron_config", {{"a", 1}}},
      {"ensure_weight_tying", true},
      {"a_key_of_a_later_release", 3}};
  for (const auto &[key, value] : switches) {
    adapter one;
    one.config[key] = value;
    CHECK(one.update(k_q, 32, 32).problem() ==
          "adapter_config.json: " + std::string(key) + " is not supported" + k_merge);
  }
  adapter activated;
  activated.config["alora_invocation_tokens"] = {1, 2};
  CHECK(activated.update(k_q, 32, 32).problem() ==
        "adapter_config.json: alora_invocation_tokens is not supported|An activated LoRA acts on a "
        "part of the tokens only and cannot be merged into weights");
  adapter bias;
  bias.config["bias"] = "lora_only";
  CHECK(bias.update(k_q, 32, 32).problem() ==
        "adapter_config.json: bias \"lora_only\" is not supported" + k_merge);
}

TEST_CASE("tensors that the configuration does not announce are refused as well") {
  for (const char *name : {"lora_magnitude_vector", "lora_B.bias", "modules_to_save.default.weight",
                           "token_adapter.trainable_tokens_delta"}) {
    adapter one;
    one.update(k_q, 32, 32);
    const std::string stored = k_prefix + k_q + "." + name;
    one.tensors.emplace_back(stored, at::ones({32}));
    CHECK(one.problem() ==
          "the adapter's tensor '" + stored + "' has no place in the base model" + k_merge);
  }
}

TEST_CASE("for adapters that are elsewhere or in another format the message says what to do") {
  adapter one;
  one.update(k_q, 32, 32);
  const auto problem = [&](const std::string &folder) {
    try {
      open_lora(folder, k_base);
    } catch (const error &e) {
      return e.message() + "|" + e.hint();
    }
    return std::string();
  };
  one.folder.write("named/adapter_config.json", "{}");
  CHECK(problem(one.folder.path.string()) ==
        "the folder has no adapter_config.json|There are adapters below it: give one of named");
  one.folder.write("adapter_config.json", one.config.dump());
  CHECK(problem(one.folder.path.string()) ==
        "the adapter has no adapter_model.safetensors|The download is not complete: get the file "
        "too");
  one.folder.write("adapter_model.bin", "x");
  CHECK(problem(one.folder.path.string()) ==
        "the adapter's weights are adapter_model.bin, a pickle, which is not read|Load the adapter "
        "with PEFT and save it: save_pretrained writes adapter_model.safetensors");
}

TEST_CASE("an adapter is not its own base, and a base may be a folder of the hub's cache") {
  adapter one;
  one.update(k_q, 32, 32);
  one.config["base_model_name_or_path"] = ".";
  one.folder.write("config.json", read_file(k_base + "/config.json"));
  CHECK(one.problem("").starts_with("the adapter's base model '.' is not here|"));
  one.config["base_model_name_or_path"] = "models--o--m";
  const std::string snapshot = "models--o--m/snapshots/abc/";
  one.folder.write("models--o--m/refs/main", "abc\n");
  for (const char *name : {"config.json", "model.safetensors"})
    one.folder.write(snapshot + name, bytes_of(k_base + "/" + name));
  CHECK(one.problem("").empty());
}
