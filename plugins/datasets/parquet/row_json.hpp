// Writes one row of an Arrow batch (rows in memory) as JSON, and names the JSON types of columns.
// parquet_source.hpp reads the files.
#pragma once

#include <arrow/api.h>

#include <string>

namespace parquet_dataset {

// Returns "string", "number", "boolean", "array", "object" or "null", and "" for a type without JSON form.
std::string json_type(const arrow::DataType &type);

// Appends {"column": value, ...}. Throws std::runtime_error for a type or number without a JSON form.
void append_row(std::string &out, const arrow::RecordBatch &batch, int64_t row);

}  // namespace parquet_dataset
