// JSON for the host: a value type that keeps the order of keys, a parser for untrusted text, and functions that write
// values as text. core/schema checks values against a schema. The value type is too slow for objects with very many
// keys, because a lookup compares one key after the other. So a tokenizer's vocabulary is read with nlohmann's SAX
// interface (one callback per element).
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace assay {

using json = nlohmann::ordered_json;

// Parses UTF-8 text. Throws error(failed) if the text is not valid JSON or has more than 512 nested levels. The error names
// `where` (for example the file), and for a syntax error also line and column.
json parse_json(std::string_view text, const std::string &where);
json read_json_file(const std::string &path);  // throws as parse_json and read_file do

// The text of a value; indent -1 means one line. This never fails: keys and strings that are not UTF-8, such as some
// file names, are written as visible_text shows them.
std::string json_text(const json &value, int indent = -1);

// The text of a value for hashing. Equal values give equal bytes (1 and 1.0 are not equal here): keys are sorted, there are no
// spaces, and a number has so many digits that it can be read back exactly. Throws error(usage) as require_utf8_texts does; the
// error names no place.
std::string canonical_json(const json &value);

// Throws error(usage) at `where` if a key or string of `value` is not UTF-8; the error names the first one. Call this
// before `value` goes to a receiver that needs the exact bytes, such as a plugin that opens a file by its name:
// json_text would change them.
void require_utf8_texts(const json &value, const std::string &where);

// Returns a copy of `text` with four characters such as \xE9, the hexadecimal value, in place of each byte
// that is not UTF-8.
std::string visible_text(std::string_view text);

// The message of an exception of any library. The prefix "[json.exception...101] " of nlohmann's
// exceptions is left out.
std::string plain_reason(const std::exception &problem);

}  // namespace assay
