// JSON for the host: a value type that keeps the order of keys, parsing of untrusted text, and text of values.
// It does not check against a schema (core/schema does). It is too slow for objects with very many keys, because it searches
// them one by one: a tokenizer's vocabulary is read with the SAX interface (one callback per element) of nlohmann instead.
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace assay {

using json = nlohmann::ordered_json;

// Parses UTF-8 text with at most 512 nested levels. Throws error(failed) if the text is not valid JSON: it names `where`
// (for example the file), and for a syntax error also line and column.
json parse_json(std::string_view text, const std::string &where);
json read_json_file(const std::string &path);

// The text of a value; indent -1 means one line. This never fails: a byte that is not UTF-8, as in some file names, is written
// as the four characters \xE9 (its hexadecimal value).
std::string json_text(const json &value, int indent = -1);

// The same value always gives the same bytes: keys are sorted, there are no spaces, and a number has the fewest digits from
// which it can be read back exactly. Throws error(usage) like require_utf8_texts, with an empty place.
std::string canonical_json(const json &value);

// Throws error(usage) at `where` if a key or string of `value` is not UTF-8, and names the first one. It is for a receiver that
// needs the exact bytes, for example a plugin that opens a file by its name; json_text would change them.
void require_utf8_texts(const json &value, const std::string &where);

// Returns the text in which each byte that is not UTF-8 is replaced by its hexadecimal value, for example \xE9.
std::string visible_text(std::string_view text);

// The message of an exception of any library. Of nlohmann's exceptions it leaves out the prefix "[json.exception...101] ".
std::string plain_reason(const std::exception &problem);

}  // namespace assay
