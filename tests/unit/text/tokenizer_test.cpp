// Tests the tokenizer's errors, limits, decoding token by token, and special tokens.
// tokenizer_golden_test.cpp compares ids with the tokenizers package.
#include <filesystem>
#include <fstream>
#include <thread>

#include "catch.hpp"
#include "core/error.hpp"
#include "text/tokenizer.hpp"
#include "text_golden.hpp"

namespace assay::text {
namespace {

// A byte-level tokenizer with all 256 bytes and a few merges; `changes` replaces members of its JSON.
json tiny(const json &changes = json::object()) {
  json vocab = json::object();
  const json alphabet = golden("tokenizers/gpt2.json")["tokenizer"]["model"]["vocab"];
  for (const auto &[token, id] : alphabet.items())
    if (id.get<int>() < 256) vocab[token] = id;
  for (const char *merged : {"aa", "aaaa", "ab"}) vocab[merged] = vocab.size();
  json model = {{"type", "BPE"}, {"vocab", vocab}, {"merges", {"a a", "aa aa", "a b"}}};
  json file = {{"added_tokens", {{{"id", 259}, {"content", "<s>"}, {"special", true}}}},
               {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}}},
               {"decoder", {{"type", "ByteLevel"}}},
               {"model", model}};
  file.merge_patch(changes);
  return file;
}

std::shared_ptr<const tokenizer> load(const json &changes = json::object(),
                                      std::string config = "") {
  return tokenizer::from_json(tiny(changes).dump(), config);
}

std::string complaint(const json &changes, const std::string &config = "") {
  try {
    load(changes, config);
  } catch (const error &e) {
    CHECK(e.kind() == error_kind::failed);
    return e.what();
  }
  return "no error";
}

std::string complaint_of_text(const std::string &text) {
  try {
    tokenizer::from_json(text);
  } catch (const error &e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("A text that is not UTF-8 is refused with the offset of its first bad byte") {
  const auto tok = load();
  const auto refusal = [&](std::string text) -> std::string {
    try {
      tok->encode(text);
    } catch (const error &e) {
      return e.message();
    }
    return "";
  };
  CHECK(refusal("caf\xE9 au lait") == "the text is not UTF-8: bad byte at offset 3");
  CHECK(refusal("\xC0\xAF") == "the text is not UTF-8: bad byte at offset 0");
  CHECK(refusal("ab\xED\xA0\x80") == "the text is not UTF-8: bad byte at offset 2");
  CHECK(refusal("abcdefgh\xF4\x90\x80\x80") == "the text is not UTF-8: bad byte at offset 8");
  CHECK(refusal("cut \xE2\x82") == "the text is not UTF-8: bad byte at offset 4");
}

TEST_CASE("Decoding replaces each maximal invalid subsequence by U+FFFD, as Rust does") {
  const auto tok = load();
  const auto e_acute = tok->encode("\u00e9");  // C3 A9
  const auto euro = tok->encode("\u20ac");     // E2 82 AC
  REQUIRE(e_acute.size() == 2);
  REQUIRE(euro.size() == 3);
  const auto text = [&](std::vector<int32_t> ids) { return tok->decode(ids); };
  CHECK(text({euro[0], euro[1]}) == "\uFFFD");
  CHECK(text({euro[0], euro[1], e_acute[0], e_acute[1]}) == "\uFFFD\u00e9");
  CHECK(text({euro[1], euro[2]}) == "\uFFFD\uFFFD");
  CHECK(text({e_acute[0], e_acute[0], e_acute[1]}) == "\uFFFD\u00e9");
}

TEST_CASE("A stream holds back an incomplete character and gives it when it is whole") {
  const auto tok = load();
  const auto euro = tok->encode("\u20ac");
  stream_decoder stream(tok);
  CHECK(stream.push(euro[0]).empty());
  CHECK(stream.push(euro[1]).empty());
  CHECK(stream.push(euro[2]) == "\u20ac");
  CHECK(stream.push(euro[0]).empty());
  CHECK(stream.finish() == "\uFFFD");
  CHECK(stream.push(euro[0]).empty());
  CHECK(stream.push(259).empty());
  CHECK(stream.finish() == "\uFFFD");
}

TEST_CASE("Lowercase knows the capitals of Unicode 16 and 17, as Rust does") {
  const auto tok = load({{"normalizer", {{"type", "Lowercase"}}}});
  const auto lower = [&](const std::string &text) { return tok->decode(tok->encode(text)); };
  CHECK(lower("AÉ\u0130\u1C89") == "aéi\u0307\u1C8A");
  CHECK(lower("\U00010D58\U00016EA3\uA7DC") == "\U00010D78\U00016EBE\u019B");
}

TEST_CASE("Merges are applied by rank, and a megabyte of one letter does not take quadratic time") {
  const auto tok = load();
  CHECK(tok->encode("aaaaa").size() == 2);
  const auto ids = tok->encode(std::string(1'000'000, 'a'));
  CHECK(ids.size() == 250'000);
  CHECK(tok->decode(ids).size() == 1'000'000);
  CHECK(tok->encode(std::string(1'000'000, ' ')).size() == 1'000'000);
}

TEST_CASE("Special tokens are found in texts, left out by decode and known by name") {
  const auto tok = load(json::object(),
                        R"({"bos_token": {"content": "<s>"}, "eos_token": null, "pad_token": "<p>",
                                "chat_template": [{"name": "default", "template": "D"},
                                                  {"name": "tool_use", "template": "T"}]})");
  CHECK(tok->encode("a<s>") == std::vector<int32_t>{tok->encode("a")[0], 259});
  CHECK(tok->decode(std::vector<int32_t>{259}) == "");
  CHECK(tok->decode(std::vector<int32_t>{259}, false) == "<s>");
  CHECK(tok->vocab_size() == 261);  // "<p>" comes after the vocabulary
  CHECK(tok->is_special(259));
  CHECK_FALSE(tok->is_special(5));
  CHECK_FALSE(tok->is_special(-1));
  CHECK(tok->special_id("bos_token") == 259);
  CHECK_FALSE(tok->special_id("eos_token").has_value());
  CHECK(tok->special_id("pad_token") == 260);
  CHECK(tok->encode("<p>") == std::vector<int32_t>{260});
  CHECK(tok->special_tokens().dump() == R"({"bos_token":"<s>","pad_token":"<p>"})");
  CHECK(tok->chat_template_text() == "D");
  CHECK(tok->chat_template_text(true) == "T");
  CHECK(tok->decode(std::vector<int32_t>{260, 99999, -7}).empty());
}

TEST_CASE("In spans that are plain, the spelling of a special token stays text") {
  const auto tok = load();
  const std::string text = "<s>a<s>b<s>";
  const auto spans = tok->special_spans(text);
  REQUIRE(spans.size() == 3);
  CHECK(spans[1].begin == 4);
  CHECK(spans[1].end == 7);
  std::vector<int32_t> expected = {259};
  for (const int32_t id : tok->encode("a<s>b", false, {{1, 4}})) expected.push_back(id);
  expected.push_back(259);
  CHECK(tok->encode(text, false, {spans[1]}) == expected);
  CHECK(expected.size() == 2 + 5);  // five characters are five tokens
  CHECK(tok->decode(tok->encode_start(text, {spans[1]})) == "a<s>b");
  CHECK(tok->encode(text, false, {{6, 7}}) == expected);  // a span need not cover the whole token
  CHECK(tok->special_spans("plain").empty());
}

TEST_CASE(
    "tokenizer_config.json can add tokens to those of tokenizer.json and replace the flags of a "
    "token") {
  const auto tok = load(json::object(), R"({"added_tokens_decoder": {
      "259": {"content": "<s>", "special": false, "lstrip": true},
      "260": {"content": "<|new|>", "special": true}}})");
  CHECK(tok->encode("a  <s><|new|>") == std::vector<int32_t>{tok->encode("a")[0], 259, 260});
  CHECK(tok->decode(std::vector<int32_t>{259, 260}) == "<s>");
}

TEST_CASE("What is not supported or not valid is refused by name") {
  CHECK(complaint({{"model", {{"type", "Unigram"}}}}) ==
        "tokenizer.json: model: 'Unigram' is not supported (supported: BPE)");
  CHECK(complaint({{"model", {{"dropout", 0.1}}}}) ==
        "tokenizer.json: model: 'dropout' makes encoding random and is not supported");
  CHECK(complaint({{"model", {{"end_of_word_suffix", "</w>"}}}}) ==
        "tokenizer.json: model: 'end_of_word_suffix' is not supported");
  CHECK(complaint({{"model", {{"unk_token", "<unk>"}}}}) ==
        "tokenizer.json: unk_token '<unk>' is not in the vocabulary");
  CHECK(complaint({{"model", {{"merges", {"a q"}}}}}) ==
        "tokenizer.json: merge 0 needs the token 'aq', which the vocabulary lacks");
  CHECK(complaint({{"model", {{"merges", {"a b c"}}}}}) ==
        "tokenizer.json: merge 'a b c' is not two tokens separated by one space");
  CHECK(
      complaint({{"normalizer", {{"type", "Precompiled"}}}}) ==
      "tokenizer.json: normalizer: 'Precompiled' is not supported (supported: Sequence, NFC, NFD, "
      "NFKC, NFKD, Prepend, Replace, Lowercase, Strip, StripAccents, ByteLevel)");
  CHECK(complaint({{"pre_tokenizer", {{"type", "BertPreTokenizer"}}}}) ==
        "tokenizer.json: pre_tokenizer: 'BertPreTokenizer' is not supported (supported: Sequence, "
        "Split, ByteLevel, Digits, Metaspace, Punctuation, WhitespaceSplit)");
  CHECK(complaint({{"decoder", {{"type", "CTC"}}}}) ==
        "tokenizer.json: decoder: 'CTC' is not supported (supported: Sequence, ByteLevel, "
        "ByteFallback, Fuse, Strip, Replace, Metaspace)");
  CHECK(complaint({{"post_processor", {{"type", "Other"}}}}) ==
        "tokenizer.json: post_processor: 'Other' is not supported (supported: Sequence, "
        "TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing)");
  CHECK(complaint({{"added_tokens", {{{"id", 3}, {"content", "<x>"}}}}})
            .find("tokenizer.json: added token '<x>' has the id 3 of the token '") == 0);
  CHECK(complaint({{"added_tokens", {{{"id", -1}, {"content", "<x>"}}}}}) ==
        "tokenizer.json: added token '<x>' has an id outside 0 ... 16777215");
  CHECK(
      complaint(
          {{"pre_tokenizer",
            {{"type", "Split"}, {"pattern", {{"Regex", "[a&&b]"}}}, {"behavior", "Isolated"}}}}) ==
      "tokenizer.json: regular expression uses an intersection of classes, which is not "
      "supported: [a&&b]");
}

TEST_CASE("Text that is no tokenizer.json is refused") {
  CHECK(complaint_of_text("").find("tokenizer.json: not valid JSON") == 0);
  CHECK(complaint_of_text("{\"model\": {\"vocab\": {\"a\": 1")
            .find("tokenizer.json: not valid JSON") == 0);
  CHECK(complaint_of_text(std::string("{}\0{}", 5)) ==
        "tokenizer.json: not valid JSON: it holds a NUL byte");
  CHECK(complaint_of_text("[]") ==
        "tokenizer.json: a tokenizer.json is an object, this is not one");
  CHECK(complaint_of_text("{}") == "tokenizer.json: there is no 'model'");
  CHECK(complaint_of_text(R"({"model": {"type": "BPE", "vocab": {"a": -1}}})") ==
        "tokenizer.json: token 'a' has the id -1, outside 0 ... 16777215");
  CHECK(complaint_of_text(R"({"model": {"type": "BPE", "vocab": {"a": 4294967296}}})") ==
        "tokenizer.json: token 'a' has the id 4294967296, outside 0 ... 16777215");
  CHECK(complaint_of_text(R"({"model": {"vocab": {"a": "b"}}})") ==
        "tokenizer.json: token 'a' has no number as its id");
  CHECK(complaint_of_text(R"({"model": {"vocab": [["a", 0.5]]}})") ==
        "tokenizer.json: model: 'Unigram' is not supported (supported: BPE)");
  CHECK(complaint_of_text("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}") ==
        "tokenizer.json: nested deeper than 64 levels");
}

TEST_CASE("A folder without a tokenizer says which files are looked for") {
  const auto folder = std::filesystem::temp_directory_path() / "assay-no-tokenizer";
  std::filesystem::create_directories(folder);
  try {
    tokenizer::from_folder(folder.string());
    FAIL_CHECK("no error");
  } catch (const error &e) {
    CHECK(e.where() == folder.string());
    CHECK(e.message() == "no tokenizer here: neither tokenizer.json nor vocab.json and merges.txt");
    CHECK(e.hint() == "copy the tokenizer files of the model into this folder");
  }
  std::ofstream(folder / "vocab.json") << "{}";
  std::ofstream(folder / "merges.txt") << "#version: 0.2\n";
  std::ofstream(folder / "tokenizer_config.json") << R"({"tokenizer_class": "OddTokenizer"})";
  try {
    tokenizer::from_folder(folder.string());
    FAIL_CHECK("no error");
  } catch (const error &e) {
    CHECK(e.message() ==
          "there is no tokenizer.json, and tokenizer_class 'OddTokenizer' is not "
          "known (known: Qwen2Tokenizer, GPT2Tokenizer, CodeGenTokenizer)");
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("Threads may encode with one tokenizer at once") {
  const auto tok = load();
  const std::string text = "aab ab <s> caf\u00e9 " + std::string(500, 'a');
  const auto expected = tok->encode(text);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) wrong[t] += tok->encode(text) != expected;
    });
  for (auto &thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

}  // namespace assay::text
