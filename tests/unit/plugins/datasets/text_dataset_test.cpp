// Tests the dataset component "text": what becomes a record, and the message for what is refused.
// JSON and CSV are in tables_dataset_test.cpp.
#include "catch.hpp"

#include "dataset_harness.hpp"

namespace {

namespace fs = std::filesystem;
using harness::list;
using harness::scratch_folder;

struct dataset : harness::dataset {
  dataset(const std::string &path, const std::string &config = "",
          const assay_host &with = harness::host())
      : harness::dataset("text", "text", path, config, with) {}
};

}  // namespace

TEST_CASE("by default a text file is one record, byte for byte", "[text_dataset]") {
  const scratch_folder folder;
  dataset data(folder.file("a.txt", "Caf\xC3\xA9 \"one\"\r\n\n\ttwo\\\n"));
  CHECK(data.records() == list{"{\"text\":\"Caf\xC3\xA9 \\\"one\\\"\\r\\n\\n\\ttwo\\\\\\n\"}"});
  CHECK(data.info().count == 1);
  CHECK(std::string(data.info().fields_json) == R"({"text":"string"})");
}

TEST_CASE("records that are lines or paragraphs have no blank lines and no carriage returns",
          "[text_dataset]") {
  const scratch_folder folder;
  const std::string path = folder.file("a.txt", "\xEF\xBB\xBFone\r\ntwo\r\n\r\n  \r\nthree");
  dataset lines(path, R"(,"records":"line")");
  CHECK(lines.records() == list{R"({"text":"one"})", R"({"text":"two"})", R"({"text":"three"})"});
  CHECK(lines.info().count == 3);
  dataset paragraphs(path, R"(,"records":"paragraph")");
  CHECK(paragraphs.records() == list{R"({"text":"one\ntwo"})", R"({"text":"three"})"});
}

TEST_CASE("rewind gives the first record again", "[text_dataset]") {
  const scratch_folder folder;
  dataset data(folder.file("a.txt", "one\ntwo\n"), R"(,"records":"line")");
  const list first = data.records();
  CHECK(data.records().empty());
  data.rewind();
  CHECK(data.records() == first);
}

TEST_CASE("a folder gives its files in order of name", "[text_dataset]") {
  const scratch_folder folder;
  folder.file("b.txt", "second");
  folder.file("a.txt", "first");
  folder.file("c.csv", "not read");
  dataset data(folder.path.string());
  CHECK(data.records() == list{R"({"text":"first"})", R"({"text":"second"})"});
  CHECK(data.info().count == 2);
}

TEST_CASE("JSON lines pass through, and one field may become the text", "[text_dataset]") {
  const scratch_folder folder;
  const std::string path = folder.file(
      "a.jsonl",
      "{\"id\": 1, \"prompt\": \"a\\u00e9\"}\n\n{\"id\": 2, \"prompt\": \"b\", \"x\": []}\n");
  dataset plain(path);
  CHECK(plain.records() ==
        list{R"({"id": 1, "prompt": "a\u00e9"})", R"({"id": 2, "prompt": "b", "x": []})"});
  CHECK(std::string(plain.info().fields_json) == R"({"id":"number","prompt":"string"})");
  dataset named(path, R"(,"field":"prompt")");
  CHECK(named.records()[0] == "{\"id\": 1, \"prompt\": \"a\\u00e9\",\"text\":\"a\xC3\xA9\"}");
  CHECK(std::string(named.info().fields_json) ==
        R"({"id":"number","prompt":"string","text":"string"})");
}

TEST_CASE("the content hash is the SHA-256 of the bytes", "[text_dataset]") {
  const scratch_folder folder;
  dataset abc(folder.file("abc.txt", "abc"));
  CHECK(std::string(abc.info().content_hash) ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  dataset two_blocks(
      folder.file("long.txt", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
  CHECK(std::string(two_blocks.info().content_hash) ==
        "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  dataset million(folder.file("million.txt", std::string(1000000, 'a')));
  CHECK(std::string(million.info().content_hash) ==
        "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("info() gives the licence and the source that the configuration names",
          "[text_dataset]") {
  const scratch_folder folder;
  const std::string path = folder.file("a.txt", "one");
  dataset data(path, R"(,"license":"CC0-1.0","source":"a book")");
  CHECK(std::string(data.info().license) == "CC0-1.0");
  CHECK(std::string(data.info().source) == "a book");
  dataset bare(path);
  CHECK(bare.info().license == nullptr);
  CHECK(std::string(bare.info().source) == path);
}

TEST_CASE("the error for text that is not UTF-8 gives the byte and the line", "[text_dataset]") {
  const scratch_folder folder;
  const std::string path = folder.file("a.txt", "first line\ncaf\xE9 two\n");
  dataset latin(path);
  CHECK(latin.status == ASSAY_IO);
  CHECK(latin.message == path + ": byte 14 (line 2) is not UTF-8: 0xE9");
  const std::string lone = folder.file("b.txt", "ab\xFFzz");
  CHECK(dataset(lone).message == lone + ": byte 2 (line 1) is not UTF-8: 0xFF");
  const std::string overlong = folder.file("c.txt", "\xC0\xAF");
  CHECK(dataset(overlong).message == overlong + ": byte 0 (line 1) is not UTF-8: 0xC0");
  const std::string surrogate = folder.file("d.txt", "\xED\xA0\x80");
  CHECK(dataset(surrogate).message == surrogate + ": byte 0 (line 1) is not UTF-8: 0xED");
  const std::string cut = folder.file("e.txt", "ab\xE2\x82");
  CHECK(dataset(cut).message == cut + ": ends in the middle of a UTF-8 character at byte 4");
}

TEST_CASE("a source without records is refused", "[text_dataset]") {
  const scratch_folder folder;
  const std::string empty = folder.file("a.txt", "");
  CHECK(dataset(empty).message == empty + ": is empty");
  const std::string blank = folder.file("b.txt", " \n\n");
  CHECK(dataset(blank).message == blank + ": holds no record, only blank lines");
  const std::string missing = (folder.path / "none.txt").string();
  CHECK(dataset(missing).message == missing + ": there is no such file or folder");
  const fs::path bare = folder.path / "bare";
  fs::create_directories(bare);
  CHECK(dataset(bare.string()).message == bare.string() + ": the folder holds no .txt files");
  CHECK(dataset(bare.string(), R"(,"format":"jsonl")").message ==
        bare.string() + ": the folder holds no .jsonl files");
}

TEST_CASE("a folder with text and JSON lines needs the key 'format'", "[text_dataset]") {
  const scratch_folder folder;
  folder.file("a.txt", "one");
  folder.file("b.jsonl", "{}");
  dataset data(folder.path.string());
  CHECK(data.status == ASSAY_INVALID_ARGUMENT);
  CHECK(data.message ==
        folder.path.string() +
            ": holds both .txt and .jsonl files, so 'format' must be text or jsonl");
}

TEST_CASE("the ending of a file name may have capital letters", "[text_dataset]") {
  const scratch_folder folder;
  dataset lines(folder.file("a.JSONL", "{\"text\": \"one\"}\n"));
  CHECK(lines.records() == list{R"({"text": "one"})"});
  folder.file("sub.TXT", "two");
  CHECK(dataset(folder.path.string(), R"(,"format":"text")").records() ==
        list{R"({"text":"two"})"});
}

TEST_CASE("the error for a bad JSON line gives its number, and the column if it is not JSON",
          "[text_dataset]") {
  const scratch_folder folder;
  const auto message = [&](const std::string &bytes, const std::string &config = "") {
    const std::string path = folder.file("a.jsonl", bytes);
    return dataset(path, config).message.substr(path.size());
  };
  CHECK(message("{\"a\": 1}\n{\"a\" 1}\n") ==
        ": line 2 is not JSON: a key needs a colon at column 6");
  CHECK(message("[1, 2]\n") == ": line 1 must be a JSON object, not array");
  CHECK(message("{\"a\": 01}\n") == ": line 1 is not JSON: unexpected character at column 9");
  CHECK(message("{\"a\": \"\\ud800\"}") ==
        ": line 1 is not JSON: half a surrogate pair at column 13");
  CHECK(message("{\"a\": 1} {}") == ": line 1 is not JSON: text after the value at column 10");
  CHECK(message("{\"a\": 1}", R"(,"field":"prompt")") == ": line 1 has no field 'prompt'");
  CHECK(message("{\"a\": 1}", R"(,"field":"a")") ==
        ": line 1: the field 'a' must be a string, not number");
  CHECK(message(std::string(100, '[')) ==
        ": line 1 is not JSON: nested deeper than 64 levels at column 66");
}

TEST_CASE("blank lines can be kept, for texts in which they matter", "[text_dataset]") {
  const scratch_folder folder;
  dataset data(folder.file("a.raw", " \n = Title = \n\nend"),
               R"(,"records":"line","keep_blank":true)");
  CHECK(data.records() == list{R"({"text":" "})", R"({"text":" = Title = "})", R"({"text":""})",
                               R"({"text":"end"})"});
  CHECK(data.info().count == 4);
}

TEST_CASE("a host without hash functions gets an error", "[text_dataset]") {
  const scratch_folder folder;
  assay_host old = harness::host();
  old.struct_size = 120;  // a host of a version without hash_begin
  dataset data(folder.file("a.txt", "one"), "", old);
  CHECK(data.status == ASSAY_UNSUPPORTED);
  CHECK(data.message == "this host has no sha256");
}
