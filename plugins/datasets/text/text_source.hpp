// Reads text files and JSON lines as a stream of records. plugin.cpp is the interface to the host.
#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "files.hpp"

namespace text_dataset {

class text_source {
 public:
  // Reads all files once: checks the encoding and every record, counts the records, and hashes the
  // bytes. Throws io_problem with file and place. The schemas in plugin.cpp describe the configuration.
  text_source(assay_cpp::host host, const char *config_json);

  void info(assay_dataset_info &out) const;  // its texts live as long as this object
  bool next(std::string &record_json);       // the next record; false after the last one
  void rewind();                             // next() starts again from the first record

 protected:
  text_source(assay_cpp::host host, const assay_json::value &config, const std::string &format);

 private:
  void choose_format();
  void check_records();
  bool open_next_file();
  std::optional<std::string> document();
  std::optional<std::string> paragraph();
  std::optional<std::string> line();
  // Reads a line of the open file without its end, and without a byte-order mark. False at the end.
  bool read_line(std::string &out);
  std::string json_line(const std::string &text);

  provenance about_;
  std::string format_;   // auto text jsonl
  std::string records_;  // what a record of a text is: document paragraph line
  bool keep_blank_ = false;
  std::string field_;  // jsonl: the member that becomes "text"; empty: objects stay as they are
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::ifstream stream_;
  uint64_t line_number_ = 0;
  bool counting_ = false;  // during the first pass, which checks every record
  int64_t count_ = 0;
  common_fields fields_;
  std::string fields_json_, content_hash_;
};

// A text_source that reads every file as JSON lines, whatever its name ends with.
class jsonl_source : public text_source {
 public:
  jsonl_source(assay_cpp::host host, const char *config_json)
      : text_source(host, assay_json::parse(config_json), "jsonl") {}
};

}  // namespace text_dataset
