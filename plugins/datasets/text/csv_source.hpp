// Reads comma-separated values (RFC 4180) as a stream of records. A row becomes one JSON object whose
// members are texts. Types are not guessed: the script that uses the data turns a text into a number.
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
  void info(assay_dataset_info &out) const;  // its texts live as long as this object
  bool next(std::string &record_json);       // the next row; false after the last one
  void rewind();                             // next() starts again from the first row

 private:
  bool open_next_file();
  // Fills cells_ from the next row that is not blank; false at the end of the file.
  bool read_row();
  static void name_index(std::vector<std::string> &names);
  bool quoted_cell(std::string &cell);
  // Throws io_problem with the file and the line.
  [[noreturn]] void refuse(uint64_t line, const std::string &what) const;

  provenance about_;
  char delimiter_ = ',';
  bool header_ = true;
  std::string file_field_;          // gets the file's name without its ending; empty = none
  std::vector<std::string> names_;  // of the columns, from `columns` or the header
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::ifstream stream_;
  uint64_t line_ = 1, row_line_ = 1;  // the present line; the line where the row began
  std::vector<std::string> cells_;
  int64_t count_ = 0;
  std::string fields_json_, content_hash_;
};

}  // namespace text_dataset
