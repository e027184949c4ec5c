// Parses JSON with a depth limit, and turns values into text or canonical text.
#include "core/json.hpp"

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/json_builder.hpp"

namespace assay {
namespace {

constexpr int k_max_depth = 512;

// Cuts a message of the parser to about 240 bytes, because it may quote a number or text of any length.
std::string shortened(std::string words) {
  size_t end = 240;
  if (words.size() <= end) return words;
  while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80)
    --end;  // never cuts a UTF-8 character in two
  return words.substr(0, end) + "...";
}

// Whether the text has more than k_max_depth nested levels. Recursive functions over its value could
// then exhaust the stack.
bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > k_max_depth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// Number of bytes of the UTF-8 character with which `text` begins; 0 if it begins with no valid one (RFC 3629, section 4).
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const size_t n = first < 0x80   ? 1
                   : first < 0xC2 ? 0
                   : first < 0xE0 ? 2
                   : first < 0xF0 ? 3
                   : first < 0xF5 ? 4
                                  : 0;
  if (n == 0 || n > text.size()) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if (n == 3 && ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0))) return 0;
  if (n == 4 && ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90))) return 0;
  return n;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = character_bytes(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

// The first key or string of `value` that is not UTF-8; null if all of them are.
const std::string *foreign_text(const json &value) {
  if (const auto *text = value.get_ptr<const std::string *>())
    return is_utf8(*text) ? nullptr : text;
  if (!value.is_structured()) return nullptr;
  for (const auto &item : value.items()) {
    if (value.is_object() && !is_utf8(item.key())) return &item.key();
    if (const auto *found = foreign_text(item.value())) return found;
  }
  return nullptr;
}

// A copy of `value` in which visible_text was applied to all keys and strings.
json with_visible_texts(const json &value) {
  if (const auto *text = value.get_ptr<const std::string *>()) return visible_text(*text);
  if (!value.is_structured()) return value;
  json out = value.is_object() ? json::object() : json::array();
  for (const auto &item : value.items()) {
    if (value.is_object())
      out[visible_text(item.key())] = with_visible_texts(item.value());
    else
      out.push_back(with_visible_texts(item.value()));
  }
  return out;
}

}  // namespace

json parse_json(std::string_view text, const std::string &where) {
  if (too_deep(text))
    throw error(error_kind::failed, "JSON is nested deeper than 512 levels").at(where);
  // The parser would take a NUL byte for the end of the text and would never look at the rest.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw error(error_kind::failed, "not valid JSON")
        .at(where)
        .cause("byte " + std::to_string(nul) + " is NUL");
  try {
    json_builder builder;
    json::sax_parse(text.begin(), text.end(), &builder);
    return std::move(builder.value);
  } catch (const nlohmann::json::exception &e) {
    throw error(error_kind::failed, "not valid JSON").at(where).cause(shortened(plain_reason(e)));
  }
}

json read_json_file(const std::string &path) {
  return parse_json(read_file(path), path);
}

std::string json_text(const json &value, int indent) {
  try {
    return value.dump(indent);
  } catch (const json::type_error &) {
    // A string is not UTF-8. This is rare, so it does not matter that the text is made twice.
    return with_visible_texts(value).dump(indent);
  }
}

std::string canonical_json(const json &value) {
  try {
    return nlohmann::json(value).dump();
  } catch (const json::type_error &) {
    require_utf8_texts(value, "");
    throw;
  }
}

void require_utf8_texts(const json &value, const std::string &where) {
  if (const auto *text = foreign_text(value))
    throw error(error_kind::usage, "'" + visible_text(*text) + "' is not UTF-8")
        .at(where)
        .hint("Rename it, or make a link with a UTF-8 name");
}

std::string visible_text(std::string_view text) {
  constexpr char k_digits[] = "0123456789ABCDEF";
  std::string out;
  while (!text.empty()) {
    const size_t n = character_bytes(text);
    if (n > 0) {
      out += text.substr(0, n);
    } else {
      const auto byte = static_cast<unsigned char>(text[0]);
      out += std::string("\\x") + k_digits[byte >> 4] + k_digits[byte & 15];
    }
    text.remove_prefix(n > 0 ? n : 1);
  }
  return out;
}

std::string plain_reason(const std::exception &problem) {
  std::string text = problem.what();
  if (dynamic_cast<const nlohmann::json::exception *>(&problem) == nullptr) return text;
  const size_t end = text.find("] ");  // end of a prefix like "[json.exception.parse_error.101] "
  return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace assay
