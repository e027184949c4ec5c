// Tests the dataset plugin "parquet": real files in several encodings give the same records, and rows with empty lists
// are kept. Without the plugin all cases are skipped; without the optional test data, all but the last.
#include "catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "dataset_harness.hpp"

namespace {

namespace fs = std::filesystem;

std::string data_folder() {
  const char *set = std::getenv("ASSAY_SHARED");
  return (set ? std::string(set) : std::string(ASSAY_SOURCE_DIR) + "/../shared") + "/data";
}

bool absent() {
  if (!fs::exists(std::string(ASSAY_BUILD_DIR) + "/plugins/parquet.assay.so")) {
    std::cout << "skipped: the plugin parquet is not built (no pyarrow wheel)\n";
    return true;
  }
  return false;
}

bool no_data() {
  if (absent()) return true;
  if (!fs::is_directory(data_folder())) {
    std::cout << "skipped: ../shared is not there\n";
    return true;
  }
  return false;
}

struct dataset : harness::dataset {
  explicit dataset(const std::string &path, const std::string &config = "")
      : harness::dataset("parquet", "parquet", path, config) {}
};

size_t count_of(const std::vector<std::string> &records, const std::string &part) {
  size_t n = 0;
  for (const std::string &record : records) n += record.find(part) != std::string::npos;
  return n;
}

}  // namespace

TEST_CASE("Files of the Hugging Face hub give the known number of rows and the known fields") {
  if (no_data()) return;
  const std::tuple<const char *, int64_t, const char *> known[] = {
      {"allenai/ai2_arc/ARC-Challenge/test-00000-of-00001.parquet", 1172,
       R"({"id":"string","question":"string","choices":"object","answerKey":"string"})"},
      {"allenai/ai2_arc/ARC-Easy/validation-00000-of-00001.parquet", 570,
       R"({"id":"string","question":"string","choices":"object","answerKey":"string"})"},
      {"google/boolq/data/validation-00000-of-00001.parquet", 3270,
       R"({"question":"string","answer":"boolean","passage":"string"})"},
      {"openai/gsm8k/main/test-00000-of-00001.parquet", 1319,
       R"({"question":"string","answer":"string"})"},
      {"Salesforce/wikitext/wikitext-2-raw-v1/test-00000-of-00001.parquet", 4358,
       R"({"text":"string"})"},
      {"ybisk/piqa/plain_text/validation-00000-of-00001.parquet", 1838, nullptr},
      {"allenai/winogrande/winogrande_xl/validation-00000-of-00001.parquet", 1267, nullptr},
      {"Rowan/hellaswag/data/validation-00000-of-00001.parquet", 1000, nullptr}};
  for (const auto &[path, rows, fields] : known) {
    dataset file(data_folder() + "/hub/" + path);
    INFO(path << ": " << file.message);
    REQUIRE(file.status == ASSAY_OK);
    CHECK(file.info().count == rows);
    CHECK(file.records().size() == static_cast<size_t>(rows));
    if (fields) CHECK(std::string(file.info().fields_json) == fields);
    CHECK(std::string(file.info().content_hash).size() == 71);  // "sha256:" and 64 digits
  }
}

TEST_CASE("Every physical encoding of one table gives the same records") {
  if (no_data()) return;
  const auto expected =
      dataset(data_folder() + "/hub/allenai/ai2_arc/ARC-Challenge/test-00000-of-00001.parquet")
          .records();
  REQUIRE(expected.size() == 1172);
  for (const auto &entry :
       fs::directory_iterator(data_folder() + "/hub_variants/allenai/ai2_arc/ARC-Challenge")) {
    INFO(entry.path());
    CHECK(dataset(entry.path().string()).records() == expected);
  }
}

TEST_CASE("An empty list keeps its row, and a second pass gives the same") {
  if (no_data()) return;
  dataset file(data_folder() +
               "/hub/rajpurkar/squad_v2/squad_v2/validation-00000-of-00001.parquet");
  const auto records = file.records();
  CHECK(records.size() == 6078);
  CHECK(count_of(records, R"("answers":{"text":[],"answer_start":[]}})") == 3168);
  file.rewind();
  CHECK(file.records() == records);
}

TEST_CASE("Columns and files can be chosen, and an error names what is not there") {
  if (no_data()) return;
  const std::string folder = data_folder() + "/hub/allenai/ai2_arc/ARC-Challenge";
  dataset test(folder, R"(,"prefix":"test-","columns":["answerKey","id"])");
  REQUIRE(test.status == ASSAY_OK);
  CHECK(test.records().size() == 1172);
  CHECK(std::string(test.info().fields_json) == R"({"id":"string","answerKey":"string"})");
  CHECK(dataset(folder).info().count == 1172 + 1000 + 299);
  CHECK(dataset(folder, R"(,"prefix":"dev-")").message ==
        folder + ": the folder holds no .parquet files that begin with 'dev-'");
  const std::string file = folder + "/test-00000-of-00001.parquet";
  CHECK(dataset(file, R"(,"columns":["gold"])").message == file + ": has no column 'gold'");
}

TEST_CASE("A file that is no parquet or is cut off is refused with its path") {
  if (absent()) return;
  const fs::path path =
      fs::temp_directory_path() / ("assay_parquet_" + std::to_string(std::rand()));
  std::ofstream(path, std::ios::binary) << "PAR1 this is not a table PAR1";
  dataset broken(path.string());
  CHECK(broken.status == ASSAY_IO);
  CHECK(broken.message.find(path.string() + ": ") == 0);
  fs::remove(path);
  dataset missing(path.string());
  CHECK(missing.status == ASSAY_IO);
  CHECK(missing.message == path.string() + ": there is no such file or folder");
}
