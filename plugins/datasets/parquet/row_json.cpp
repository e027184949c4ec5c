// Turns Arrow values into JSON text: null, booleans, numbers, texts, lists and structs, also nested ones.
// Dates, decimals and bytes are refused with the name of their column, because JSON has no form for them.
#include "row_json.hpp"

#include <charconv>
#include <cmath>
#include <stdexcept>

#include "assay_json.hpp"

namespace parquet_dataset {
namespace {

using arrow::Array;
using arrow::Type;

void append_value(std::string &out, const Array &array, int64_t i);

template <class array_type>
void append_number(std::string &out, const Array &array, int64_t i) {
  const auto number = static_cast<const array_type &>(array).Value(i);
  if constexpr (std::is_floating_point_v<decltype(number)>)
    if (!std::isfinite(number)) throw std::runtime_error("a number that is not finite");
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

template <class array_type>
void append_text(std::string &out, const Array &array, int64_t i) {
  assay_json::append_quoted(out, static_cast<const array_type &>(array).GetView(i));
}

template <class array_type>
void append_list(std::string &out, const Array &array, int64_t i) {
  const auto &list = static_cast<const array_type &>(array);
  const int64_t begin = list.value_offset(i), end = begin + list.value_length(i);
  out += '[';
  for (int64_t k = begin; k < end; ++k) {
    if (k > begin) out += ',';
    append_value(out, *list.values(), k);
  }
  out += ']';
}

void append_struct(std::string &out, const Array &array, int64_t i) {
  const auto &record = static_cast<const arrow::StructArray &>(array);
  out += '{';
  for (int f = 0; f < record.num_fields(); ++f) {
    if (f > 0) out += ',';
    assay_json::append_quoted(out, record.struct_type()->field(f)->name());
    out += ':';
    append_value(out, *record.field(f), i);
  }
  out += '}';
}

void append_value(std::string &out, const Array &array, int64_t i) {
  if (array.IsNull(i)) {
    out += "null";
    return;
  }
  switch (array.type_id()) {
    case Type::BOOL:
      out += static_cast<const arrow::BooleanArray &>(array).Value(i) ? "true" : "false";
      return;
    case Type::INT8:
      return append_number<arrow::Int8Array>(out, array, i);
    case Type::INT16:
      return append_number<arrow::Int16Array>(out, array, i);
    case Type::INT32:
      return append_number<arrow::Int32Array>(out, array, i);
    case Type::INT64:
      return append_number<arrow::Int64Array>(out, array, i);
    case Type::UINT8:
      return append_number<arrow::UInt8Array>(out, array, i);
    case Type::UINT16:
      return append_number<arrow::UInt16Array>(out, array, i);
    case Type::UINT32:
      return append_number<arrow::UInt32Array>(out, array, i);
    case Type::UINT64:
      return append_number<arrow::UInt64Array>(out, array, i);
    case Type::FLOAT:
      return append_number<arrow::FloatArray>(out, array, i);
    case Type::DOUBLE:
      return append_number<arrow::DoubleArray>(out, array, i);
    case Type::STRING:
      return append_text<arrow::StringArray>(out, array, i);
    case Type::LARGE_STRING:
      return append_text<arrow::LargeStringArray>(out, array, i);
    case Type::LIST:
      return append_list<arrow::ListArray>(out, array, i);
    case Type::LARGE_LIST:
      return append_list<arrow::LargeListArray>(out, array, i);
    case Type::FIXED_SIZE_LIST:
      return append_list<arrow::FixedSizeListArray>(out, array, i);
    case Type::STRUCT:
      return append_struct(out, array, i);
    case Type::DICTIONARY: {
      const auto &coded = static_cast<const arrow::DictionaryArray &>(array);
      return append_value(out, *coded.dictionary(), coded.GetValueIndex(i));
    }
    default:
      throw std::runtime_error("the type " + array.type()->ToString() + ", which has no JSON form");
  }
}

}  // namespace

std::string json_type(const arrow::DataType &type) {
  switch (type.id()) {
    case Type::NA:
      return "null";
    case Type::BOOL:
      return "boolean";
    case Type::STRING:
    case Type::LARGE_STRING:
      return "string";
    case Type::STRUCT:
      return "object";
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
      return "array";
    case Type::DICTIONARY:
      return json_type(*static_cast<const arrow::DictionaryType &>(type).value_type());
    default:
      if (arrow::is_integer(type.id()) || type.id() == Type::FLOAT || type.id() == Type::DOUBLE)
        return "number";
      return "";
  }
}

void append_row(std::string &out, const arrow::RecordBatch &batch, int64_t row) {
  out += '{';
  for (int c = 0; c < batch.num_columns(); ++c) {
    if (c > 0) out += ',';
    assay_json::append_quoted(out, batch.column_name(c));
    out += ':';
    try {
      append_value(out, *batch.column(c), row);
    } catch (const std::runtime_error &problem) {
      throw std::runtime_error("column '" + batch.column_name(c) + "' holds " + problem.what());
    }
  }
  out += '}';
}

}  // namespace parquet_dataset
