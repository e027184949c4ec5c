// JSON for the host: a value type that keeps the order of keys, parsing of untrusted text, and text of values.
// It does not check against a schema (core/schema does). The value type is too slow for objects with very many keys, because a
// lookup compares one key after the other. A tokenizer's vocabulary is read with nlohmann's SAX interface (one callback per element).
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

// The text of a value; indent -1 means one line. This never fails: in keys and strings, a byte that is not UTF-8, as in some file
// names, is replaced by the text of visible_text.
std::string json_text(const json &value, int indent = -1);

// The text of a value for hashing. Equal values give equal bytes (1 and 1.0 are not equal here): keys are sorted, there are no
// spaces, and a number has so many digits that it can be read back exactly. Throws error(usage) as require_utf8_texts does; the
// error names no place.
std::string canonical_json(const json &value);

// Throws error(usage) at `where` if a key or string of `value` is not UTF-8, and names the first one. It is for a receiver that
// needs the exact bytes, for example a plugin that opens a file by its name; json_text would change them.
void require_utf8_texts(const json &value, const std::string &where);

// Returns the text in which each byte that is not UTF-8 becomes four characters with its hexadecimal value: \xE9.
std::string visible_text(std::string_view text);

// The message of an exception of any library. Of nlohmann's exceptions it leaves out the prefix "[json.exception...101] ".
std::string plain_reason(const std::exception &problem);

}  // namespace assay
