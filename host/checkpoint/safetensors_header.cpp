// Parses the JSON header of a safetensors file. It checks the lengths, then the form of the JSON,
// then the place and the size of each tensor.
#include "checkpoint/safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/error.hpp"

namespace assay::model {
namespace {

constexpr uint64_t k_max_header = 100'000'000;            // bytes
constexpr uint64_t k_max_size = (uint64_t{1} << 48) - 1;  // largest extent or offset that is read

struct dtype_row {
  const char *name;
  int bits;
};
// In the ascending order of FORMATS.md, "Safetensors dtypes". The writer sorts by this order.
constexpr std::array<dtype_row, 22> k_dtypes{
    {{"BOOL", 8},        {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
     {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
     {"F8_E5M2FNUZ", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16},    {"BF16", 16},
     {"I32", 32},        {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},
     {"I64", 64},        {"U64", 64}}};

[[noreturn]] void reject(const std::string &where, const std::string &what) {
  throw error(error_kind::failed, what)
      .at(where)
      .hint("The file is damaged or not safetensors: get it again");
}

// Receives the events of the JSON parser and fills in the header directly, without a tree in
// memory. The form is { name: {dtype, shape, data_offsets}, "__metadata__": {string: string} }.
class header_reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit header_reader(safetensors_header &out) : out_(out) {}
  std::string problem;  // why parsing stopped

  bool null() override { return wrong_type(); }
  bool boolean(bool) override { return wrong_type(); }
  // Receives negative numbers only; number_unsigned gets all other integers.
  bool number_integer(number_integer_t) override { return wrong_type(); }
  bool number_float(number_float_t, const string_t &) override { return wrong_type(); }
  bool binary(binary_t &) override { return wrong_type(); }

  bool number_unsigned(number_unsigned_t value) override {
    if (depth_ != 3 || in_metadata_) return wrong_type();
    if (value > k_max_size) return stop("tensor '" + entry().name + "' has a size beyond 2^48");
    if (field_ == "shape")
      entry().shape.push_back(value);
    else
      offsets_.push_back(value);
    return true;
  }

  bool string(string_t &value) override {
    if (depth_ != 2) return wrong_type();
    if (in_metadata_)
      out_.metadata.emplace_back(field_, value);
    else if (field_ == "dtype")
      entry().dtype = value;
    else
      return wrong_type();
    return true;
  }

  bool start_object(std::size_t) override {
    if (++depth_ > 2) return wrong_type();
    return true;
  }

  bool key(string_t &value) override {
    if (depth_ == 1) {
      if (!names_.insert(value).second) return stop("the name '" + value + "' appears twice");
      in_metadata_ = value == "__metadata__";
      seen_ = 0;
      if (!in_metadata_) {
        out_.entries.emplace_back();
        entry().name = value;
      }
      return true;
    }
    field_ = value;
    if (in_metadata_) return true;
    const int bit = value == "dtype" ? 1 : value == "shape" ? 2 : value == "data_offsets" ? 4 : 0;
    if (bit == 0) return stop("tensor '" + entry().name + "' has an unknown field '" + value + "'");
    if ((seen_ & bit) != 0)
      return stop("tensor '" + entry().name + "' has the field '" + value + "' twice");
    seen_ |= bit;
    return true;
  }

  bool end_object() override {
    if (--depth_ != 1 || in_metadata_) return true;
    if (seen_ != 7) return stop("tensor '" + entry().name + "' lacks dtype, shape or data_offsets");
    if (offsets_.size() != 2) return stop("tensor '" + entry().name + "' needs two data_offsets");
    entry().begin = offsets_[0];
    entry().end = offsets_[1];
    offsets_.clear();
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || field_ == "dtype") return wrong_type();
    ++depth_;
    return true;
  }

  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(std::size_t position, const std::string &,
                   const nlohmann::detail::exception &e) override {
    const bool utf8 = std::strstr(e.what(), "UTF-8") != nullptr;
    return stop(std::string(utf8 ? "the header is not UTF-8" : "the header is not valid JSON") +
                " (byte " + std::to_string(position) + ")");
  }

 private:
  safetensors_entry &entry() { return out_.entries.back(); }
  bool stop(std::string why) {
    problem = std::move(why);
    return false;
  }
  bool wrong_type() {
    if (depth_ == 0) return stop("the header is not a JSON object");
    if (in_metadata_) return stop("__metadata__ may hold only strings");
    if (depth_ == 1) return stop("the header entry of a tensor must be an object");
    return stop("tensor '" + entry().name + "' has a field '" + field_ + "' of the wrong type");
  }

  safetensors_header &out_;
  std::unordered_set<std::string> names_;
  std::string field_;
  std::vector<uint64_t> offsets_;
  int depth_ = 0, seen_ = 0;
  bool in_metadata_ = false;
};

// Checks the sizes of file and header. Returns the header's length.
uint64_t checked_header_length(const uint8_t *bytes, uint64_t n_bytes, const std::string &where) {
  if (n_bytes < 8) reject(where, "the file is too small for a safetensors header");
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > k_max_header)
    reject(where, "the header claims " + std::to_string(length) +
                      " bytes, more than the format's 100000000");
  if (8 + length > n_bytes)
    reject(where, "the header claims " + std::to_string(length) + " bytes, but the file has only " +
                      std::to_string(n_bytes));
  return length;
}

// Checks the byte count of one entry: the count that follows from dtype and shape must equal
// end - begin of its offsets.
void check_entry(const safetensors_entry &entry, const std::string &where) {
  const int rank = safetensors_dtype_rank(entry.dtype);
  const std::string tensor = "tensor '" + entry.name + "'";
  if (rank < 0) reject(where, tensor + " has the unsupported dtype '" + entry.dtype + "'");
  uint64_t bits = 1;
  for (const uint64_t extent : entry.shape)
    if (__builtin_mul_overflow(bits, extent, &bits))
      reject(where, tensor + " has a shape that overflows");
  if (__builtin_mul_overflow(bits, static_cast<uint64_t>(safetensors_dtype_bits(rank)), &bits))
    reject(where, tensor + " has a shape that overflows");
  if (bits % 8 != 0) reject(where, tensor + " does not end on a whole byte");
  if (entry.end - entry.begin != bits / 8)
    reject(where, tensor + " needs " + std::to_string(bits / 8) + " bytes, but its offsets span " +
                      std::to_string(entry.end - entry.begin));
}

}  // namespace

int safetensors_dtype_rank(const std::string &name) {
  for (size_t i = 0; i < k_dtypes.size(); ++i)
    if (name == k_dtypes[i].name) return static_cast<int>(i);
  return -1;
}

int safetensors_dtype_bits(int rank) {
  return k_dtypes.at(static_cast<size_t>(rank)).bits;
}

safetensors_header parse_safetensors_header(const uint8_t *bytes, uint64_t n_bytes,
                                            const std::string &where) {
  const uint64_t length = checked_header_length(bytes, n_bytes, where);
  safetensors_header header;
  header.data_begin = 8 + length;
  header_reader reader(header);
  const char *text = reinterpret_cast<const char *>(bytes) + 8;
  // The parser takes a NUL byte for the end of the text, so a header with one is refused.
  if (length > 0 && std::memchr(text, 0, length) != nullptr)
    reject(where, "the header is not valid JSON: it holds a NUL byte");
  if (!nlohmann::json::sax_parse(text, text + length, &reader))
    reject(where, reader.problem.empty() ? "the header is not valid JSON" : reader.problem);
  // Tensors must follow each other from offset 0 without gaps. An empty tensor begins where the
  // next tensor begins, so it is sorted before that tensor.
  auto &entries = header.entries;
  std::stable_sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t cursor = 0;
  for (const safetensors_entry &entry : entries) {
    if (entry.begin != cursor || entry.end < entry.begin)
      reject(where, "tensor '" + entry.name + "' begins at byte " + std::to_string(entry.begin) +
                        " of the data, where " + std::to_string(cursor) +
                        " was due (hole or overlap)");
    check_entry(entry, where);
    cursor = entry.end;
  }
  if (header.data_begin + cursor != n_bytes)
    reject(where, "the header describes " + std::to_string(header.data_begin + cursor) +
                      " bytes, but the file has " + std::to_string(n_bytes));
  return header;
}

}  // namespace assay::model
