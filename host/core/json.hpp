// JSON for the host: one value type that keeps key order, safe parsing, canonical text.
// Not a schema validator (core/schema) and not for megabytes of keys: ordered objects are searched
// linearly, so a tokenizer's vocabulary is read with nlohmann's SAX interface instead.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace assay {

using json = nlohmann::ordered_json;

// Parses UTF-8 text of any nesting up to 512 levels. Throws error(failed) at `where` with line and
// column.
json parse_json(std::string_view text, const std::string &where);
json read_json_file(const std::string &path);

// Keys sorted, no spaces, shortest round-trip numbers: the same value gives the same bytes.
std::string canonical_json(const json &value);

}  // namespace assay
