// Comma-separated values (RFC 4180) as a stream of records, one object of texts a row.
// Not a guess at types: a cell is a text, and the script's mapping makes numbers of it.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "files.hpp"

namespace text_dataset {

class csv_source {
 public:
  csv_source(assay_cpp::host host, const char *config_json);
  void info(assay_dataset_info &out) const;
  bool next(std::string &record_json);
  void rewind();

 private:
  bool open_next_file();
  bool read_row();  // cells_ of the next row that is not blank; false at the end of the file
  static void name_index(std::vector<std::string> &names);
  bool quoted_cell(std::string &cell);
  [[noreturn]] void refuse(uint64_t line, const std::string &what) const;

  provenance about_;
  char delimiter_ = ',';
  bool header_ = true;
  std::string file_field_;          // gets the file's name without its ending; empty = none
  std::vector<std::string> names_;  // of the columns
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::ifstream stream_;
  uint64_t line_ = 1, row_line_ = 1;  // where reading stands; where the row began
  std::vector<std::string> cells_;
  int64_t count_ = 0;
  std::string fields_json_, content_hash_;
};

}  // namespace text_dataset
