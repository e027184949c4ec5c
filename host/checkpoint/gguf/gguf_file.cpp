// Parses the header of a GGUF file and checks every length before it takes memory.
#include "checkpoint/gguf/gguf_file.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_set>

#include "checkpoint/gguf/gguf_blocks.hpp"
#include "core/error.hpp"

namespace assay::model {
namespace {

constexpr uint64_t k_default_alignment = 32;
constexpr uint64_t k_max_name = 64;  // bytes, exclusive

[[noreturn]] void reject(const std::string &where, const std::string &what) {
  throw error(error_kind::failed, what)
      .at(where)
      .hint("The file is damaged or not GGUF: get it again");
}

// Returns the shortest decimal number that reads back as `value`: 9.99999975e-06f -> 1e-05.
double shortest_decimal(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

}  // namespace

class gguf_parser {
 public:
  gguf_parser(gguf_file &out) : out_(out), at_(out.bytes_), left_(out.n_bytes_) {}

  void run() {
    if (left_ < 4 || std::memcmp(at_, "GGUF", 4) != 0)
      reject(out_.where_, "the file does not begin with GGUF");
    skip(4);
    const auto version = take<uint32_t>();
    refuse_big_endian(version);
    if (version != 2 && version != 3)
      reject(out_.where_,
             "GGUF version " + std::to_string(version) + " is not supported (2 and 3 are)");
    const auto n_tensors = take<uint64_t>(), n_values = take<uint64_t>();
    // The smallest entry has 13 bytes: length of the key 8, type 4, value 1. The smallest description
    // of a tensor has 32: length of the name 8, number of extents 4, one extent 8, type 4, offset 8.
    if (n_values > left_ / 13) reject(out_.where_, "more metadata entries than the file can hold");
    for (uint64_t i = 0; i < n_values; ++i) read_entry();
    if (n_tensors > left_ / 32) reject(out_.where_, "more tensors than the file can hold");
    for (uint64_t i = 0; i < n_tensors; ++i) read_tensor();
    place_tensors();
  }

 private:
  // Refuses a file in the other byte order. Its first bytes "GGUF" look the same, but its version
  // is a small number only after a byte swap.
  void refuse_big_endian(uint32_t version) const {
    if (__builtin_bswap32(version) > 3 || version == 0) return;
    throw error(error_kind::failed, "the GGUF file is big-endian, which is not read")
        .at(out_.where_)
        .hint("Get the little-endian file, or convert it with gguf_convert_endian.py of llama.cpp");
  }

  void skip(uint64_t n) {
    at_ += n;
    left_ -= n;
  }

  template <class T>
  T take() {
    if (left_ < sizeof(T)) reject(out_.where_, "the file ends inside its header");
    T value;
    std::memcpy(&value, at_, sizeof(T));
    skip(sizeof(T));
    return value;
  }

  std::string_view take_text() {
    const auto n = take<uint64_t>();
    if (n > left_) reject(out_.where_, "a string is longer than the file");
    const std::string_view text(reinterpret_cast<const char *>(at_), n);
    skip(n);
    return text;
  }

  static uint64_t size_of(uint32_t type) {  // bytes; 0 = not a plain number
    constexpr uint64_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < std::size(sizes) ? sizes[type] : 0;
  }

  // type: a type number of the format (ggml-org/ggml, docs/gguf.md, gguf_metadata_value_type).
  gguf_value take_scalar(uint32_t type) {
    using kind = gguf_value::kind;
    gguf_value v;
    const auto as_unsigned = [&](uint64_t n) {
      v.u = n, v.i = static_cast<int64_t>(n), v.d = static_cast<double>(n);
    };
    const auto as_signed = [&](int64_t n) {
      v.what = kind::signed_int;
      v.u = static_cast<uint64_t>(n), v.i = n, v.d = static_cast<double>(n);
    };
    switch (type) {
      case 0:
        as_unsigned(take<uint8_t>());
        break;
      case 1:
        as_signed(take<int8_t>());
        break;
      case 2:
        as_unsigned(take<uint16_t>());
        break;
      case 3:
        as_signed(take<int16_t>());
        break;
      case 4:
        as_unsigned(take<uint32_t>());
        break;
      case 5:
        as_signed(take<int32_t>());
        break;
      case 6:
        v.what = kind::real, v.d = shortest_decimal(take<float>()), v.is_float32 = true;
        break;
      case 7:
        v.what = kind::boolean, v.u = take_bool();
        break;
      case 8:
        v.what = kind::text, v.text = take_text();
        break;
      case 10:
        as_unsigned(take<uint64_t>());
        break;
      case 11:
        as_signed(take<int64_t>());
        break;
      case 12:
        v.what = kind::real, v.d = take<double>();
        break;
      default:
        reject(out_.where_, "metadata of the unknown type " + std::to_string(type));
    }
    return v;
  }

  uint64_t take_bool() {
    const auto value = take<uint8_t>();
    if (value > 1) reject(out_.where_, "a boolean that is neither 0 nor 1");
    return value;
  }

  gguf_value take_array() {
    const auto type = take<uint32_t>();
    const auto n = take<uint64_t>();
    gguf_value v;
    if (type == 8) {
      if (n > left_ / 8) reject(out_.where_, "an array is longer than the file");
      v.what = gguf_value::kind::texts;
      v.texts.reserve(n);
      for (uint64_t i = 0; i < n; ++i) v.texts.push_back(take_text());
      return v;
    }
    const uint64_t size = size_of(type);
    if (size == 0)
      reject(out_.where_, "an array of the unsupported element type " + std::to_string(type));
    if (n > left_ / size) reject(out_.where_, "an array is longer than the file");
    v.what = gguf_value::kind::numbers;
    v.numbers.reserve(n);
    for (uint64_t i = 0; i < n; ++i) {
      const gguf_value element = take_scalar(type);
      v.numbers.push_back(type == 7 ? static_cast<double>(element.u) : element.d);
    }
    return v;
  }

  void read_entry() {
    const std::string key(take_text());
    const auto type = take<uint32_t>();
    gguf_value value = type == 9 ? take_array() : take_scalar(type);
    if (!out_.values_.emplace(key, std::move(value)).second)
      reject(out_.where_, "the metadata key '" + key + "' appears twice");
  }

  void read_tensor() {
    gguf_tensor tensor;
    tensor.name = std::string(take_text());
    if (tensor.name.size() >= k_max_name) reject(out_.where_, "a tensor name of 64 bytes or more");
    if (!names_.insert(tensor.name).second)
      reject(out_.where_, "the tensor '" + tensor.name + "' appears twice");
    const std::string what = "tensor '" + tensor.name + "'";
    const auto n_dims = take<uint32_t>();
    if (n_dims < 1 || n_dims > 4)
      reject(out_.where_, what + " has " + std::to_string(n_dims) + " dimensions");
    uint64_t numel = 1;
    for (uint32_t i = 0; i < n_dims; ++i) {
      const auto extent = take<uint64_t>();
      if (extent == 0 || __builtin_mul_overflow(numel, extent, &numel) ||
          numel > (uint64_t{1} << 48))
        reject(out_.where_, what + " has an impossible shape");
      tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(extent));
    }
    const auto type = take<uint32_t>();
    tensor.type = static_cast<int>(type);
    const ggml_format *format = find_ggml_format(tensor.type);
    if (format == nullptr)
      reject(out_.where_, what + " has the unsupported ggml type " + std::to_string(type) +
                              " (supported: " + supported_ggml_formats() + ")");
    if (tensor.shape.back() % format->block_elements != 0)
      reject(out_.where_, what + " has rows that are not a multiple of its block of " +
                              std::to_string(format->block_elements));
    tensor.n_bytes = numel / static_cast<uint64_t>(format->block_elements) *
                     static_cast<uint64_t>(format->block_bytes);
    tensor.begin = take<uint64_t>();  // relative to the data, for now
    out_.tensors_.push_back(std::move(tensor));
  }

  // Each tensor must begin at the padded end of the tensor before it.
  void place_tensors() {
    const uint64_t alignment = out_.number("general.alignment", k_default_alignment);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || alignment > (uint64_t{1} << 20))
      reject(out_.where_, "general.alignment is no power of two");
    const auto padded = [&](uint64_t n) { return (n + alignment - 1) / alignment * alignment; };
    const uint64_t data = padded(out_.n_bytes_ - left_);
    uint64_t cursor = 0;
    for (gguf_tensor &tensor : out_.tensors_) {
      const std::string what = "tensor '" + tensor.name + "'";
      if (tensor.begin != cursor)
        reject(out_.where_, what + " begins at byte " + std::to_string(tensor.begin) +
                                " of the data, where " + std::to_string(cursor) + " was due");
      if (data > out_.n_bytes_ || tensor.n_bytes > out_.n_bytes_ - data ||
          cursor > out_.n_bytes_ - data - tensor.n_bytes)
        reject(out_.where_, what + " ends beyond the file, which is cut short");
      cursor = padded(cursor + tensor.n_bytes);
      tensor.begin += data;
    }
  }

  gguf_file &out_;
  const uint8_t *at_;
  uint64_t left_;
  std::unordered_set<std::string> names_;
};

std::shared_ptr<const gguf_file> gguf_file::parse(const uint8_t *bytes, uint64_t n_bytes,
                                                  const std::string &where) {
  auto file = std::make_shared<gguf_file>();
  file->where_ = where;
  file->bytes_ = bytes;
  file->n_bytes_ = n_bytes;
  gguf_parser(*file).run();
  return file;
}

std::shared_ptr<gguf_file> gguf_file::open_alone(const std::string &path) {
  auto map = mapped_file::open(path);
  auto file = std::const_pointer_cast<gguf_file>(parse(map->data(), map->size(), path));
  file->map_ = std::move(map);
  return file;
}

std::shared_ptr<const gguf_file> gguf_file::open(const std::string &path) {
  auto file = open_alone(path);
  file->join_parts();
  return file;
}

const gguf_value *gguf_file::find(const std::string &key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<std::string> gguf_file::names_below(const std::string &prefix) const {
  std::vector<std::string> names;
  for (auto it = values_.lower_bound(prefix); it != values_.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    names.push_back(it->first.substr(prefix.size()));
  }
  return names;
}

uint64_t gguf_file::number(const std::string &key) const {
  if (find(key) == nullptr) reject(where_, "the metadata lacks '" + key + "'");
  return number(key, 0);
}

uint64_t gguf_file::number(const std::string &key, uint64_t fallback) const {
  const gguf_value *value = find(key);
  if (value == nullptr) return fallback;
  const bool negative = value->what == gguf_value::kind::signed_int && value->i < 0;
  if ((value->what != gguf_value::kind::unsigned_int &&
       value->what != gguf_value::kind::signed_int) ||
      negative)
    reject(where_, "the metadata key '" + key + "' is not a whole number");
  return value->u;
}

double gguf_file::real(const std::string &key, double fallback) const {
  const gguf_value *value = find(key);
  if (value == nullptr) return fallback;
  if (value->what != gguf_value::kind::real || !std::isfinite(value->d))
    reject(where_, "the metadata key '" + key + "' is not a number");
  return value->d;
}

bool gguf_file::boolean(const std::string &key, bool fallback) const {
  const gguf_value *value = find(key);
  if (value == nullptr) return fallback;
  if (value->what != gguf_value::kind::boolean)
    reject(where_, "the metadata key '" + key + "' is not a boolean");
  return value->u != 0;
}

std::string gguf_file::text(const std::string &key) const {
  if (find(key) == nullptr) reject(where_, "the metadata lacks '" + key + "'");
  return text(key, "");
}

std::string gguf_file::text(const std::string &key, const std::string &fallback) const {
  const gguf_value *value = find(key);
  if (value == nullptr) return fallback;
  if (value->what != gguf_value::kind::text)
    reject(where_, "the metadata key '" + key + "' is not a string");
  return std::string(value->text);
}

}  // namespace assay::model
