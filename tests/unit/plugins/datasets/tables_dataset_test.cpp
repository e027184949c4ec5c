// Tests the dataset components "jsonl", "json" and "csv": what becomes a record, and the message for what is refused.
// Plain text is in text_dataset_test.cpp.
#include "catch.hpp"

#include "dataset_harness.hpp"

namespace {

using harness::list;
using harness::scratch_folder;

struct json_data : harness::dataset {
  json_data(const std::string &path, const std::string &config = "")
      : harness::dataset("text", "json", path, config) {}
};
struct csv_data : harness::dataset {
  csv_data(const std::string &path, const std::string &config = "")
      : harness::dataset("text", "csv", path, config) {}
};

const char k_nested[] = R"({"version": "v2.0", "data": [
  {"title": "A", "paragraphs": [
    {"context": "c1", "qas": [{"id": "1", "answers": [{"text": "t", "answer_start": 12345678901234567890}]},
                              {"id": "2", "answers": [], "context": "own"}]},
    {"context": "c2", "qas": []}]},
  {"title": "B", "paragraphs": [{"context": "c3", "qas": [{"id": "3", "answers": []}]}]}]})";

}  // namespace

TEST_CASE("jsonl passes JSON objects on unchanged, whatever the name of the file",
          "[tables_dataset]") {
  const scratch_folder folder;
  harness::dataset data("text", "jsonl", folder.file("a.data", "{\"a\": 1}\n\n{\"a\": 2}\n"), "");
  CHECK(data.records() == list{"{\"a\": 1}", "{\"a\": 2}"});
  CHECK(std::string(data.info().fields_json) == R"({"a":"number"})");
}

TEST_CASE("json gives the objects of an inner list, with the members of the objects around them",
          "[tables_dataset]") {
  const scratch_folder folder;
  json_data data(folder.file("a.json", k_nested), R"(,"at":["data","paragraphs","qas"])");
  REQUIRE(data.message.empty());
  const list expected = {
      R"({"version":"v2.0","title":"A","context":"c1","id":"1","answers":[{"text":"t","answer_start":12345678901234567890}]})",
      R"({"version":"v2.0","title":"A","context":"own","id":"2","answers":[]})",
      R"({"version":"v2.0","title":"B","context":"c3","id":"3","answers":[]})"};
  CHECK(data.records() == expected);
  data.rewind();
  CHECK(data.records() == expected);
  CHECK(data.info().count == 3);
  CHECK(
      std::string(data.info().fields_json) ==
      R"({"version":"string","title":"string","context":"string","id":"string","answers":"array"})");
}

TEST_CASE("a json document may be the list itself", "[tables_dataset]") {
  const scratch_folder folder;
  json_data plain(folder.file("a.json", R"([{"a": 1}, {"a": [true, null]}])"));
  CHECK(plain.records() == list{R"({"a":1})", R"({"a":[true,null]})"});
  json_data inside(folder.file("b.json", R"([{"k": "x", "l": [{"a": 1}, {"a": 2}]}])"),
                   R"(,"at":["l"])");
  CHECK(inside.records() == list{R"({"k":"x","a":1})", R"({"k":"x","a":2})"});
}

TEST_CASE("a json document of another shape is refused, and the error says where it differs",
          "[tables_dataset]") {
  const scratch_folder folder;
  const auto message = [&](const std::string &bytes, const std::string &config = "") {
    const std::string path = folder.file("a.json", bytes);
    return json_data(path, config).message.substr(path.size());
  };
  CHECK(message(R"({"data": []})") ==
        " must be a list of objects; 'at' names the lists on the way to it");
  CHECK(message(R"({"data": []})", R"(,"at":["rows"])") == " has no member 'rows'");
  CHECK(message(R"({"data": 5})", R"(,"at":["data"])") == ": 'data' must be a list, not number");
  CHECK(message(R"({"data": [{"p": [{}]}, {}]})", R"(,"at":["data","p"])") ==
        ": data[1] has no member 'p'");
  CHECK(message(R"([{"a": 1}, 2])") == ": [1] must be an object, not number");
  CHECK(message(R"({"data": [}])", R"(,"at":["data"])") ==
        " is not JSON: unexpected character at column 11");
  CHECK(message("[]") == ": holds no record");
}

TEST_CASE(
    "csv reads quoted cells that hold quotes, commas and line ends, and both kinds of line ends",
    "[tables_dataset]") {
  const scratch_folder folder;
  csv_data data(folder.file(
      "a.csv", "\xEF\xBB\xBFname,say\r\na,\"one, \"\"two\"\"\nthree\"\r\n\r\n\"b\",\nc,d"));
  CHECK(data.records() == list{R"({"name":"a","say":"one, \"two\"\nthree"})",
                               R"({"name":"b","say":""})", R"({"name":"c","say":"d"})"});
  CHECK(data.info().count == 3);
  CHECK(std::string(data.info().fields_json) == R"({"name":"string","say":"string"})");
}

TEST_CASE("texts in a json list become records, in an inner list too, and other items are refused",
          "[tables_dataset]") {
  const scratch_folder folder;
  json_data plain(folder.file("a.JSON", R"(["one", "two \"2\""])"));
  CHECK(plain.records() == list{R"({"text":"one"})", R"({"text":"two \"2\""})"});
  CHECK(std::string(plain.info().fields_json) == R"({"text":"string"})");
  json_data inside(folder.file("b.json", R"([{"k": 1, "l": ["x", {"text": "y"}]}])"),
                   R"(,"at":["l"])");
  CHECK(inside.records() == list{R"({"k":1,"text":"x"})", R"({"k":1,"text":"y"})"});
  const std::string path = folder.file("c.json", R"(["one", null])");
  CHECK(json_data(path).message == path + ": [1] must be an object, not null");
  CHECK(json_data(path, R"(,"at":["l"])").message == path + ": [0] must be an object, not string");
}

TEST_CASE("the error for a number beyond a double gives its place and not its digits",
          "[tables_dataset]") {
  const scratch_folder folder;
  const std::string digits(401, '9');
  const std::string lines = folder.file("a.jsonl", "{\"n\": 1}\n{\"n\": " + digits + "}\n");
  harness::dataset data("text", "jsonl", lines, "");
  CHECK(data.status == ASSAY_IO);
  CHECK(data.message == lines + ": line 2: the number at column 7 is beyond 1.8e308");
  const std::string whole = folder.file("a.json", "[{\"n\": 1e400}]");
  CHECK(json_data(whole).message == whole + ": the number at column 8 is beyond 1.8e308");
  harness::dataset large("text", "jsonl", folder.file("b.jsonl", "{\"n\": 1e308, \"m\": 1e-400}"),
                         "");
  CHECK(large.records() == list{"{\"n\": 1e308, \"m\": 1e-400}"});
}

TEST_CASE("csv names the column of row numbers that pandas leaves without a name",
          "[tables_dataset]") {
  const scratch_folder folder;
  csv_data data(folder.file("a.csv", ",text,n\n0,one,1\n1,two,2\n"));
  CHECK(data.records() ==
        list{R"({"index":"0","text":"one","n":"1"})", R"({"index":"1","text":"two","n":"2"})"});
  CHECK(std::string(data.info().fields_json) ==
        R"({"index":"string","text":"string","n":"string"})");
  csv_data taken(folder.file("b.csv", "\"\",index\n0,one\n"));
  CHECK(taken.records() == list{R"({"column 1":"0","index":"one"})"});
}

TEST_CASE(
    "csv without a header takes column names from the configuration, and a field can name the file "
    "of a row",
    "[tables_dataset]") {
  const scratch_folder folder;
  folder.file("b_test.csv", "q2,2\n");
  folder.file("a_test.csv", "q1,1\n");
  csv_data data(folder.path.string(),
                R"(,"header":false,"columns":["question","answer"],"file_field":"subject")");
  CHECK(data.records() == list{R"({"question":"q1","answer":"1","subject":"a_test"})",
                               R"({"question":"q2","answer":"2","subject":"b_test"})"});
  csv_data tabs(folder.file("t.tsv", "a\tb\n1,5\t2\n"), ",\"delimiter\":\"\\t\"");
  CHECK(tabs.records() == list{R"({"a":"1,5","b":"2"})"});
}

TEST_CASE("the error for bad csv says what is wrong, and names the line or the key if there is one",
          "[tables_dataset]") {
  const scratch_folder folder;
  const auto message = [&](const std::string &bytes, const std::string &config = "") {
    const std::string path = folder.file("a.csv", bytes);
    const std::string told = csv_data(path, config).message;
    return told.compare(0, path.size(), path) == 0 ? told.substr(path.size()) : told;
  };
  CHECK(message("a,b\n1,2\n\n1,2,3\n") == ": line 4 has 3 cells, not 2");
  CHECK(message("a,b\n1,\"two\nlines") == ": line 2 opens a quote that is never closed");
  CHECK(message("a,b\n1,\"two\"x\n") == ": line 2 has text behind a closing quote");
  CHECK(message("a,a\n1,2\n") == ": line 1 names the column 'a' twice");
  CHECK(message("a,\n1,2\n") == ": line 1 has a column without a name");
  CHECK(message("a,b\n") == ": holds no row");
  const std::string carriage_return =
      " has a carriage return without a line feed; if all its lines end so, convert it: tr '\\r' "
      "'\\n' < FILE > NEW";
  CHECK(message("a,b\r1,2\r3,4\r") == ": line 1" + carriage_return);
  CHECK(message("a,b\n1,2\r3\n") == ": line 2" + carriage_return);
  CHECK(message("a,b\r\n1,\"2\r3\"\r\n").empty());
  CHECK(message("1,2\n", R"(,"header":false)") ==
        "'columns' must name the columns of a file without a header");
  CHECK(message("a,b\n1,2\n", R"(,"delimiter":";;")") ==
        "'delimiter' must be one character that is neither a quote nor a line end");
  CHECK(message("a,b\n1,2\n", R"(,"columns":["x","y"])") ==
        ": line 1 names other columns than 'columns'");
}
