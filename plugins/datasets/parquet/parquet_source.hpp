// Parquet files on disk as a stream of records.
// Not the plugin's face (plugin.cpp) and not the JSON of a row (row_json.hpp).
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
  std::string path;    // a file, or a folder whose .parquet files are read in order of name
  std::string prefix;  // of a folder: only files whose name begins so ("train-")
  std::vector<std::string> columns;  // empty = all
  std::string license, source;
};

class parquet_source {
 public:
  // Reads the footers and hashes the files. Throws io_problem naming the file.
  parquet_source(assay_cpp::host host, const char *config_json);

  void info(assay_dataset_info &out) const;
  bool next(std::string &record_json);
  void rewind();

 private:
  void find_files();
  void check_files();
  void open(const std::string &path);
  bool next_batch();

  config config_;
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::string open_path_;
  int64_t row_ = 0;  // of the open file, from 0
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t row_in_batch_ = 0;
  std::shared_ptr<arrow::Schema> schema_;  // of the first file; the others must have the same
  int64_t count_ = 0;
  std::string fields_json_, content_hash_;
};

}  // namespace parquet_dataset
