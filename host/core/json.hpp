// JSON for the host: one value type that keeps key order, safe parsing, canonical text.
// Not a schema validator (core/schema) and not for megabytes of keys: ordered objects are searched
// linearly, so a tokenizer's vocabulary is read with nlohmann's SAX interface instead.
#pragma once

#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace assay {

using json = nlohmann::ordered_json;

// Parses UTF-8 text of any nesting up to 512 levels. Throws error(failed) at `where` with
// line and column.
json parse_json(std::string_view text, const std::string &where);
json read_json_file(const std::string &path);

// The text of a value; indent -1 is one line. A byte that is not UTF-8 (names of files may hold any) becomes \xE9, visibly,
// so that every value has a text.
std::string json_text(const json &value, int indent = -1);

// Keys sorted, no spaces, shortest round-trip numbers: the same value gives the same bytes. Throws as require_utf8_texts.
std::string canonical_json(const json &value);

// Throws error(usage) at `where` naming the first text of `value` that is not UTF-8: for a reader that must get the very bytes.
void require_utf8_texts(const json &value, const std::string &where);

// The text with each byte that is not UTF-8 as \xE9.
std::string visible_text(std::string_view text);

// What went wrong, of an exception of any library: without the library's own numbering of its errors.
std::string plain_reason(const std::exception &problem);

}  // namespace assay
