// Tests which files a checkpoint gives to the tokenizer (those of its folder, or of an adapter and its base), and which tokens end an
// answer. What the files mean is tested in tests/unit/text/folder_golden_test.cpp.
#include "catch.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/lora.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "model/decoder.hpp"
#include "scratch_folder.hpp"

using namespace assay;
using namespace assay::model;
using assay_test::contains;

namespace {

const std::string k_base = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/models/llama-gqa-untied/";
const std::string k_adapter = std::string(ASSAY_SOURCE_DIR) + "/tests/golden/lora/plain/";

void copy_model(const scratch_folder &to, const json &config_changes = json::object()) {
  json config = read_json_file(k_base + "config.json");
  for (const auto &[key, value] : config_changes.items()) config[key] = value;
  to.write("config.json", config.dump());
  to.write("model.safetensors", bytes_of(k_base + "model.safetensors"));
}

void copy_adapter(const scratch_folder &to) {
  for (const char *name : {"adapter_config.json", "adapter_model.safetensors"})
    to.write(name, bytes_of(k_adapter + name));
}

}  // namespace

TEST_CASE(
    "an adapter's tokenizer replaces the whole tokenizer of the base; without one the base's is "
    "used") {
  const scratch_folder base, adapter;
  copy_model(base);
  base.write("tokenizer.json", "{\"of\": \"base\"}");
  base.write("added_tokens.json", "{}");
  base.write("chat_template.jinja", "base");
  base.write("additional_chat_templates/tool_use.jinja", "base with tools");
  copy_adapter(adapter);
  const auto merged = [&] { return open_lora(adapter.path.string(), base.path.string()); };

  tokenizer_files files = merged()->read_tokenizer();
  CHECK(files.of("tokenizer.json") == "{\"of\": \"base\"}");
  CHECK(files.files.at("tokenizer.json").where == base.file("tokenizer.json"));
  CHECK(chat_templates_of(files) == json({{"default", "base"}, {"tool_use", "base with tools"}}));
  CHECK(merged()->chat_templates() == chat_templates_of(files));

  adapter.write("tokenizer_config.json", R"({"chat_template": "own", "eos_token": "<e>"})");
  files = merged()->read_tokenizer();
  CHECK(files.of("tokenizer.json") == "{\"of\": \"base\"}");
  CHECK(files.object_of("tokenizer_config.json")["eos_token"] == "<e>");
  CHECK(chat_templates_of(files) == json({{"default", "own"}}));
  CHECK(merged()->chat_templates() == chat_templates_of(files));

  adapter.write("tokenizer.json", "{\"of\": \"adapter\"}");
  files = merged()->read_tokenizer();
  CHECK(files.of("tokenizer.json") == "{\"of\": \"adapter\"}");
  CHECK_FALSE(files.has("added_tokens.json"));
  adapter.write("tokenizer_config.json", "{}");
  CHECK(chat_templates_of(merged()->read_tokenizer()) ==
        json({{"default", "base"}, {"tool_use", "base with tools"}}));
}

TEST_CASE("generation_config.json alone decides what ends an answer; without it config.json does") {
  const auto ids = [](const json &config_eos, const json &generation) {
    const scratch_folder folder;
    copy_model(folder, {{"eos_token_id", config_eos}});
    if (!generation.is_null()) folder.write("generation_config.json", generation.dump());
    const auto source = checkpoint::open(folder.path.string());
    const std::vector<int64_t> out = source->eos_ids();
    CHECK(decoder::load(*source).config().eos_ids == out);
    return out;
  };
  using list = std::vector<int64_t>;
  CHECK(ids(2, nullptr) == list{2});
  CHECK(ids({2, 3}, nullptr) == list{2, 3});
  CHECK(ids(nullptr, nullptr).empty());
  CHECK(ids(2, {{"eos_token_id", 5}}) == list{5});
  CHECK(ids(2, {{"eos_token_id", {5, 6}}}) == list{5, 6});
  CHECK(ids(nullptr, {{"eos_token_id", 5}}) == list{5});
  CHECK(ids(2, {{"eos_token_id", nullptr}}).empty());
  CHECK(ids(2, json::object()).empty());
  CHECK_THROWS_WITH(ids(2, {{"eos_token_id", "two"}}),
                    contains("'eos_token_id' must be a token id or a list of them, not \"two\""));
}
