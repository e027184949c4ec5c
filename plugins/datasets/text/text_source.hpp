// Text files and JSON lines on disk as a stream of records.
// Not the plugin's face: see plugin.cpp.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace text_dataset {

struct io_problem : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct config_problem : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct config {
  std::string path;  // a file, or a folder of *.txt or *.jsonl files, read in order of name
  std::string format = "auto";       // auto text jsonl
  std::string records = "document";  // of text: document paragraph line
  std::string field;  // of jsonl: this member becomes "text"; empty = objects as they are
  std::string license, source;
};

class text_source {
 public:
  // Reads everything once: encoding, every record, count and hash. Throws io_problem with file and place.
  explicit text_source(config chosen);

  int64_t count() const { return count_; }
  const std::string &fields_json() const { return fields_json_; }
  const std::string &content_hash() const { return content_hash_; }
  const config &chosen() const { return config_; }

  std::optional<std::string> next();  // the next record as JSON text
  void rewind();

 private:
  void find_files();
  void check_bytes();
  void check_records();
  bool open_next_file();
  std::optional<std::string> document();
  std::optional<std::string> paragraph();
  std::optional<std::string> line();
  bool read_line(std::string &out);  // of the open file, without its end; counts lines, drops a BOM
  std::string json_line(const std::string &text);

  config config_;
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::ifstream stream_;
  uint64_t line_number_ = 0;
  bool any_record_in_file_ = false;
  int64_t count_ = 0;
  std::string fields_json_, content_hash_;
  std::vector<std::pair<std::string, std::string>>
      common_fields_;  // name, type: members of every record
};

}  // namespace text_dataset
