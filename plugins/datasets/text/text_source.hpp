// Text files and JSON lines on disk as a stream of records.
// Not the plugin's face: see plugin.cpp.
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
  // Reads everything once: encoding, every record, count and hash. Throws io_problem with file and
  // place. The configuration: see k_text_schema in plugin.cpp.
  text_source(assay_cpp::host host, const char *config_json);

  void info(assay_dataset_info &out) const;
  bool next(std::string &record_json);
  void rewind();

 protected:
  text_source(assay_cpp::host host, const assay_json::value &config, const std::string &format);

 private:
  void choose_format();
  void check_records();
  bool open_next_file();
  std::optional<std::string> document();
  std::optional<std::string> paragraph();
  std::optional<std::string> line();
  bool read_line(std::string &out);  // of the open file, without its end; counts lines, drops a BOM
  std::string json_line(const std::string &text);

  provenance about_;
  std::string format_;   // auto text jsonl
  std::string records_;  // of text: document paragraph line
  bool keep_blank_ = false;
  std::string field_;  // of jsonl: this member becomes "text"; empty = objects as they are
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::ifstream stream_;
  uint64_t line_number_ = 0;
  bool counting_ = false;  // the pass that checks every record
  int64_t count_ = 0;
  common_fields fields_;
  std::string fields_json_, content_hash_;
};

// The same, for JSON lines alone.
class jsonl_source : public text_source {
 public:
  jsonl_source(assay_cpp::host host, const char *config_json)
      : text_source(host, assay_json::parse(config_json), "jsonl") {}
};

}  // namespace text_dataset
