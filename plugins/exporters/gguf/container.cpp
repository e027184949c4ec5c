// Writes the header of a GGUF file. All numbers are little-endian, as on x86-64.
#include "container.hpp"

#include <charconv>
#include <limits>

#include "assay.hpp"

namespace gguf {
namespace {

using assay_cpp::argument_problem;

// Type numbers of values (docs/gguf.md, gguf_metadata_value_type).
enum value_type : uint32_t {
  k_u32 = 4,
  k_i32 = 5,
  k_float = 6,
  k_bool = 7,
  k_text = 8,
  k_array = 9
};
constexpr uint32_t k_version = 3;
constexpr size_t k_longest_name = 63;  // bytes

template <class T>
void append(std::string &to, T value) {
  to.append(reinterpret_cast<const char *>(&value), sizeof value);
}

void append_text(std::string &to, std::string_view text) {
  append<uint64_t>(to, text.size());
  to.append(text);
}

// The value that a reader of the file gets: the shortest decimal number that rounds to this float.
double as_read(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

}  // namespace

void metadata::begin(std::string_view key, uint32_t type) {
  append_text(bytes_, key);
  append(bytes_, type);
  ++count_;
}

void metadata::begin_array(std::string_view key, uint32_t type, uint64_t n) {
  begin(key, k_array);
  append(bytes_, type);
  append(bytes_, n);
}

void metadata::put_u32(std::string_view key, uint64_t value) {
  if (value > std::numeric_limits<uint32_t>::max())
    throw argument_problem(std::string(key) + " does not fit into 32 bits");
  begin(key, k_u32);
  append(bytes_, static_cast<uint32_t>(value));
}

void metadata::put_f32(std::string_view key, double value) {
  const auto stored = static_cast<float>(value);
  if (as_read(stored) != value)
    throw argument_problem(std::string(key) + " has more digits than a 32-bit float holds");
  begin(key, k_float);
  append(bytes_, stored);
}

void metadata::put_bool(std::string_view key, bool value) {
  begin(key, k_bool);
  append(bytes_, static_cast<uint8_t>(value));
}

void metadata::put_text(std::string_view key, std::string_view value) {
  begin(key, k_text);
  append_text(bytes_, value);
}

void metadata::put_texts(std::string_view key, const std::vector<std::string> &values) {
  begin_array(key, k_text, values.size());
  for (const std::string &value : values) append_text(bytes_, value);
}

void metadata::put_i32s(std::string_view key, const std::vector<int32_t> &values) {
  begin_array(key, k_i32, values.size());
  for (const int32_t value : values) append(bytes_, value);
}

void metadata::put_f32s(std::string_view key, const std::vector<float> &values) {
  begin_array(key, k_float, values.size());
  for (const float value : values) append(bytes_, value);
}

uint64_t bytes_of(const entry &e) {
  uint64_t n = 1;
  for (const int64_t extent : e.shape) n *= static_cast<uint64_t>(extent);
  return n / static_cast<uint64_t>(e.type->block_weights) *
         static_cast<uint64_t>(e.type->block_bytes);
}

std::string header(const metadata &keys, const std::vector<entry> &entries) {
  std::string out = "GGUF";
  append(out, k_version);
  append<uint64_t>(out, entries.size());
  append<uint64_t>(out, keys.count());
  out += keys.bytes();
  uint64_t offset = 0;
  for (const entry &e : entries) {
    if (e.name.size() > k_longest_name)
      throw argument_problem("the tensor name '" + e.name + "' is longer than 63 bytes");
    append_text(out, e.name);
    append(out, static_cast<uint32_t>(e.shape.size()));
    for (auto extent = e.shape.rbegin(); extent != e.shape.rend(); ++extent)
      append(out, static_cast<uint64_t>(*extent));
    append(out, e.type->id);
    append(out, offset);
    offset += e.n_bytes + padding_after(e.n_bytes);
  }
  out.append(padding_after(out.size()), '\0');
  return out;
}

}  // namespace gguf
