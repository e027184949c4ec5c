// Reads Parquet files one after another. First it checks the columns in the footer of every file (its
// last bytes, which describe the columns). Then it decodes a batch of rows at a time, so only one
// batch is in memory.
#include "parquet_source.hpp"

#include <arrow/io/file.h>

#include <algorithm>
#include <filesystem>

#include "assay_json.hpp"
#include "row_json.hpp"

namespace parquet_dataset {
namespace {

namespace fs = std::filesystem;

// Arrow's default of 65,536 rows would take tens of megabytes for a batch of long texts.
constexpr int64_t k_batch_rows = 8192;

// Returns the value of a result, or throws io_problem with the path.
template <class T>
T take(arrow::Result<T> result, const std::string &path) {
  if (!result.ok()) throw io_problem(path + ": " + result.status().message());
  return std::move(result).ValueUnsafe();
}

config read_config(const char *config_json) {
  const assay_json::value given = assay_json::parse(config_json);
  config chosen;
  chosen.path = given.string("path");
  chosen.prefix = given.string("prefix");
  if (const assay_json::value *columns = given.find("columns"))
    for (const assay_json::value &name : columns->items) chosen.columns.push_back(name.text);
  chosen.license = given.string("license");
  chosen.source = given.string("source");
  if (chosen.path.empty()) throw config_problem("'path' must name a file or folder");
  return chosen;
}

}  // namespace

parquet_source::parquet_source(assay_cpp::host host, const char *config_json)
    : config_(read_config(config_json)) {
  find_files();
  check_files();
  content_hash_ = assay_cpp::hash_files(host, files_, [](const std::string &, std::string_view) {});
  rewind();
}

void parquet_source::info(assay_dataset_info &out) const {
  out.count = count_;
  out.fields_json = fields_json_.c_str();
  out.content_hash = content_hash_.c_str();
  out.license = config_.license.empty() ? nullptr : config_.license.c_str();
  out.source = config_.source.empty() ? config_.path.c_str() : config_.source.c_str();
}

void parquet_source::find_files() {
  std::error_code problem;
  const fs::file_status status = fs::status(config_.path, problem);
  if (!fs::exists(status)) throw io_problem(config_.path + ": there is no such file or folder");
  if (!fs::is_directory(status)) {
    files_ = {config_.path};
    return;
  }
  for (const auto &entry : fs::directory_iterator(config_.path, problem)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && entry.path().extension() == ".parquet" &&
        name.compare(0, config_.prefix.size(), config_.prefix) == 0)
      files_.push_back(entry.path().string());
  }
  std::sort(files_.begin(), files_.end());
  if (files_.empty())
    throw io_problem(config_.path + ": the folder holds no .parquet files" +
                     (config_.prefix.empty() ? "" : " that begin with '" + config_.prefix + "'"));
}

void parquet_source::open(const std::string &path) {
  auto file = take(arrow::io::ReadableFile::Open(path), path);
  reader_ = take(parquet::arrow::OpenFile(std::move(file), arrow::default_memory_pool()), path);
  reader_->set_batch_size(k_batch_rows);
  open_path_ = path;
  row_ = 0;
}

// Reads the footer of every file. Counts the rows, compares the columns with those of the first file,
// and throws io_problem if a column that will be read has no JSON form.
void parquet_source::check_files() {
  for (const std::string &path : files_) {
    open(path);
    std::shared_ptr<arrow::Schema> schema;
    const arrow::Status status = reader_->GetSchema(&schema);
    if (!status.ok()) throw io_problem(path + ": " + status.message());
    if (!schema_) schema_ = schema;
    if (!schema_->Equals(*schema, false))
      throw io_problem(path + ": has other columns than " + files_.front());
    count_ += reader_->parquet_reader()->metadata()->num_rows();
  }
  for (const std::string &name : config_.columns)
    if (schema_->GetFieldIndex(name) < 0)
      throw config_problem(files_.front() + ": has no column '" + name + "'");
  for (const auto &field : schema_->fields()) {
    const bool wanted = config_.columns.empty() ||
                        std::find(config_.columns.begin(), config_.columns.end(), field->name()) !=
                            config_.columns.end();
    if (!wanted) continue;
    const std::string type = json_type(*field->type());
    if (type.empty())
      throw io_problem(files_.front() + ": the column '" + field->name() + "' has the type " +
                       field->type()->ToString() +
                       ", which has no JSON form; choose 'columns' without it");
    fields_json_ += (fields_json_.empty() ? "{" : ",") + assay_json::quoted(field->name()) + ":\"" +
                    type + "\"";
  }
  fields_json_ += fields_json_.empty() ? "{}" : "}";
}

void parquet_source::rewind() {
  batch_.reset();
  batches_.reset();
  reader_.reset();
  next_file_ = 0;
}

// Reads the next batch that has rows. Returns false after the last file.
bool parquet_source::next_batch() {
  while (true) {
    if (!batches_) {
      if (next_file_ == files_.size()) return false;
      open(files_[next_file_++]);
      batches_ = take(reader_->GetRecordBatchReader(), open_path_);
    }
    arrow::Status status = batches_->ReadNext(&batch_);
    if (!status.ok()) throw io_problem(open_path_ + ": " + status.message());
    if (!batch_) {
      batches_.reset();
      continue;
    }
    if (!config_.columns.empty()) {
      std::vector<int> indices;
      for (int c = 0; c < batch_->num_columns(); ++c)
        if (std::find(config_.columns.begin(), config_.columns.end(), batch_->column_name(c)) !=
            config_.columns.end())
          indices.push_back(c);
      batch_ = take(batch_->SelectColumns(indices), open_path_);
    }
    status = batch_->ValidateFull();  // also checks UTF-8
    if (!status.ok())
      throw io_problem(open_path_ + ": rows from " + std::to_string(row_) +
                       " on: " + status.message());
    row_in_batch_ = 0;
    if (batch_->num_rows() > 0) return true;
  }
}

bool parquet_source::next(std::string &record_json) {
  if (!batch_ && !next_batch()) return false;
  try {
    append_row(record_json, *batch_, row_in_batch_);
  } catch (const std::runtime_error &problem) {
    throw io_problem(open_path_ + ": row " + std::to_string(row_) + ": " + problem.what());
  }
  ++row_;
  if (++row_in_batch_ == batch_->num_rows()) batch_.reset();
  return true;
}

}  // namespace parquet_dataset
