// One row of an Arrow batch as JSON, and the type names of its columns.
// Not the reading of files.
#pragma once

#include <arrow/api.h>

#include <string>

namespace parquet_dataset {

// "string", "number", "boolean", "array", "object", "null"; "" for a type that has no JSON form here.
std::string json_type(const arrow::DataType &type);

// Appends {"column": value, ...}. Throws std::runtime_error for a type or number without a JSON form.
void append_row(std::string &out, const arrow::RecordBatch &batch, int64_t row);

}  // namespace parquet_dataset
