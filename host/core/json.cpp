// Parsing with a depth limit, and canonical text.
#include "core/json.hpp"

#include "core/error.hpp"
#include "core/file.hpp"

namespace assay {
namespace {

constexpr int k_max_depth = 512;

// The parser's words may quote a number or text of any length.
std::string shortened(std::string words) {
  size_t end = 240;
  if (words.size() <= end) return words;
  while (end > 0 && (static_cast<unsigned char>(words[end]) & 0xC0) == 0x80)
    --end;  // UTF-8 stays whole
  return words.substr(0, end) + "...";
}

// Walks the text once and refuses nesting that would exhaust the stack of the recursive parser.
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

}  // namespace

json parse_json(std::string_view text, const std::string &where) {
  if (too_deep(text))
    throw error(error_kind::failed, "JSON is nested deeper than 512 levels").at(where);
  // The parser would take a NUL for the end of the text and never look at the rest.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos)
    throw error(error_kind::failed, "not valid JSON")
        .at(where)
        .cause("byte " + std::to_string(nul) + " is NUL");
  try {
    return json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::exception &e) {
    throw error(error_kind::failed, "not valid JSON").at(where).cause(shortened(e.what()));
  }
}

json read_json_file(const std::string &path) {
  return parse_json(read_file(path), path);
}

std::string canonical_json(const json &value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::strict);
}

}  // namespace assay
