// Reads Parquet files as a stream of records, one JSON text for each row. row_json.hpp writes the JSON;
// plugin.cpp is the interface to the host.
#pragma once

#include <arrow/api.h>
#include <parquet/arrow/reader.h>
#include <assay_records.hpp>

#include <memory>
#include <string>
#include <vector>

namespace parquet_dataset {

inline assay_cpp::failure io_problem(const std::string &text) {
  return {ASSAY_IO, text};
}
inline assay_cpp::failure config_problem(const std::string &text) {
  return {ASSAY_INVALID_ARGUMENT, text};
}

struct config {
  std::string path;    // a file, or a folder whose .parquet files are read in the order of names
  std::string prefix;  // only files of the folder whose names begin with this ("train-")
  std::vector<std::string> columns;  // empty = all
  std::string license, source;
};

class parquet_source {
 public:
  // Reads the footers (descriptions of the columns) and hashes the files. Throws io_problem with the
  // name of a file that cannot be read, and config_problem for a wrong configuration.
  parquet_source(assay_cpp::host host, const char *config_json);

  void info(assay_dataset_info &out) const;  // its texts live as long as this object
  bool next(std::string &record_json);       // appends the next row; false after the last one
  void rewind();                             // next() starts again from the first row

 private:
  void find_files();
  void check_files();
  void open(const std::string &path);
  bool next_batch();

  config config_;
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::string open_path_;
  int64_t row_ = 0;  // the next row of the open file, from 0
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t row_in_batch_ = 0;
  std::shared_ptr<arrow::Schema> schema_;  // of the first file; the others must have the same
  int64_t count_ = 0;
  std::string fields_json_, content_hash_;
};

}  // namespace parquet_dataset
